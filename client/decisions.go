package client

import (
	"context"
	"fmt"
	"net/url"

	"github.com/seed45885407/saccade/functions"
)

// Decisions are the newest changes of how many instances the function should have,
// the oldest first, each with its reason.
func (c *Client) Decisions(ctx context.Context, name string) ([]functions.Decision, error) {
	var list struct {
		Decisions []functions.Decision `json:"decisions"`
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := c.get(ctx, &list, "v1", "functions", url.PathEscape(name), "decisions"); err != nil {
		return nil, fmt.Errorf("asking for the decisions on function %q: %w", name, err)
	}
	return list.Decisions, nil
}
