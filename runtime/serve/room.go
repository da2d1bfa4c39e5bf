package serve

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// slots is a number of places; those who wait for one get it in their order.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// take waits for a place until ctx or givenUp ends, the latter with the error that
// why gives. release gives the place back; calling it again does nothing.
func (s slots) take(ctx context.Context, givenUp <-chan struct{}, why func() error) (release func(), err error) {
	select { // a free place comes before anything else
	case s <- struct{}{}:
		return s.releaser(), nil
	default:
	}
	select {
	case s <- struct{}{}:
		return s.releaser(), nil
	case <-givenUp:
		return nil, why()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s slots) releaser() func() {
	var done bool
	return func() {
		if !done {
			done = true
			<-s
		}
	}
}

// room is how much fits inside: a number of requests, and of their bytes.
type room struct {
	requests slots
	most     int64
	bytes    atomic.Int64
	// expected is how long those inside take, where that is known.
	expected func() time.Duration
}

// enter takes a place and reserves size bytes, or is Busy at once.
func (r *room) enter(size int64) (leave func(), err error) {
	busy := func() error {
		hint := busyFor
		if r.expected != nil {
			hint = max(hint, r.expected()/2) // half of them gone, there is room again
		}
		return &functions.Error{
			Kind: functions.Busy, Detail: "the instance has as many pictures waiting as it takes", RetryAfter: hint,
		}
	}
	select {
	case r.requests <- struct{}{}:
	default:
		return nil, busy()
	}
	if r.bytes.Add(size) > r.most {
		r.bytes.Add(-size)
		<-r.requests
		return nil, busy()
	}
	return func() {
		r.bytes.Add(-size)
		<-r.requests
	}, nil
}
