package gateway

import (
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/recall"
)

// arrived hands a request that is over to whoever keeps a record of arrivals.
func (g *Gateway) arrived(req request, worked time.Duration) {
	if g.opts.Arrived != nil {
		g.opts.Arrived(req.began, req.function, worked)
	}
}

// workedOn is how long an instance worked on the answer; nothing where it was known
// already.
func workedOn(answer functions.Answer, how recall.How) time.Duration {
	if how == recall.Hit {
		return 0
	}
	return time.Duration(answer.Timing.Sum() - answer.Timing.Wait - answer.Timing.Fetch)
}
