package gateway

import (
	"context"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/mirror"
)

// mirror asks the function's mirror, if it has one and it is its turn, once the run has
// ended that was for the request itself.
func (g *Gateway) mirror(run context.Context, stay *stay, req request, revision functions.Revision, picture []byte, answer functions.Answer) {
	kept := g.Mirror.Send(run, mirror.Seen{
		Function: req.function, Revision: revision, Params: *req.params, Picture: picture, Answer: answer,
	})
	if kept {
		stay.giveBack = nil // the mirror reads it still
	}
}
