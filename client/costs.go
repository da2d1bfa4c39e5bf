package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/seed45885407/saccade/functions"
)

// CostQuery narrows a report of costs; the zero value asks for everything.
type CostQuery struct {
	// Since is a time (RFC 3339) or how long ago (90m).
	Since string
	// Function is the only one reported, where it is not empty.
	Function string
	// Key is the only caller reported, where it is not nil.
	Key *string
}

// Costs is what functions and callers have cost.
func (c *Client) Costs(ctx context.Context, q CostQuery) (functions.CostReport, error) {
	var report functions.CostReport
	values := url.Values{}
	if q.Since != "" {
		values.Set("since", q.Since)
	}
	if q.Function != "" {
		values.Set("function", q.Function)
	}
	if q.Key != nil {
		values.Set("key", *q.Key)
	}
	address := c.base.JoinPath("v1", "costs")
	address.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return report, fmt.Errorf("asking for costs: %w", err)
	}
	if err := c.do(req, &report); err != nil {
		return report, fmt.Errorf("asking for costs: %w", err)
	}
	return report, nil
}
