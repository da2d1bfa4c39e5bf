package watch

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// How long requests are held for an annotation that nobody renews.
const (
	// drainLease is for whoever renews it: some six times as long as the pause between two
	// renewals, so that a busy API server ends no swap.
	drainLease = functions.DrainLease
	// longestDrain is for whoever does not, a person with kubectl for example.
	longestDrain = 30 * time.Minute
)

// drain is how long a function's requests are held. It goes by this gateway's clock alone,
// from when it saw the annotations change: who wrote them may have another time.
type drain struct {
	said  [2]string // the annotations
	until time.Time // zero: they are not held
}

// read takes in what a Service's annotations say, and is how long there is to go until they
// have to be looked at again where nobody renews them; 0 where that was said before.
func (d *drain) read(annotations map[string]string, now time.Time) (again time.Duration) {
	said := [2]string{annotations[DrainAnnotation], annotations[RenewedAnnotation]}
	if said == d.said {
		return 0
	}
	d.said, d.until = said, time.Time{}
	switch {
	case said[0] != "true":
	case said[1] == "":
		again = longestDrain
	default:
		again = drainLease
	}
	if again > 0 {
		d.until = now.Add(again)
	}
	return again
}

// held says whether requests are held.
func (d *drain) held(now time.Time) bool { return now.Before(d.until) }

// forsaken says that they would be, had anybody renewed it.
func (d *drain) forsaken(now time.Time) bool { return d.said[0] == "true" && !d.held(now) }

// forsakenDrain is what is wrong with a function of which that is so.
const forsakenDrain = "its annotation " + DrainAnnotation + " is no longer heeded: who held its requests has not renewed " +
	RenewedAnnotation + " for too long; saccade rollout --resume or --abort goes on"
