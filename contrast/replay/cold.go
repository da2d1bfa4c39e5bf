package replay

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// markCold has the requests counted as the simulation counts them: cold is who came before
// the instance that took it was ready. A reply is marked so only where the request
// waited inside the instance; one that waited at the gateway for the same start, because
// the instance had no more places, is found by its times.
func markCold(requests []Request) {
	type start struct{ from, ready time.Duration }
	starts := map[functions.Start]start{}
	for _, q := range requests {
		if !q.Cold || q.Timing.Start == nil {
			continue
		}
		ready := q.began()
		s, known := starts[*q.Timing.Start]
		if !known {
			s = start{q.At, ready}
		}
		starts[*q.Timing.Start] = start{min(s.from, q.At), min(s.ready, ready)}
	}
	for n := range requests {
		q := &requests[n]
		for _, s := range starts {
			if q.Kind == "" && q.At >= s.from && q.At < s.ready && q.began() >= s.ready {
				q.Cold = true
			}
		}
	}
}

// began is when the request was worked on, by the platform's own clock.
func (q Request) began() time.Duration { return q.At + q.Late + time.Duration(q.Timing.Wait) }
