package client

import (
	"context"
	"fmt"

	"github.com/seed45885407/saccade/functions"
)

// Probe asks as Detect does about a picture that nobody has taken, and that nothing is
// to be kept of: neither its answer, nor in the statistics of what the function sees.
func (c *Client) Probe(ctx context.Context, function string, picture Source, p functions.Parameters) (functions.Reply, error) {
	var reply functions.Reply
	req, err := c.request(ctx, function, picture, p)
	if err != nil {
		return reply, err
	}
	req.Header.Set("Cache-Control", "no-store")
	if err := c.do(req, &reply); err != nil {
		return functions.Reply{}, fmt.Errorf("asking %s: %w", function, err)
	}
	return reply, nil
}
