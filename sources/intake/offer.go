package intake

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

// Bounds of the time between two tries where the error does not say one.
const (
	firstWait = 500 * time.Millisecond
	maxWait   = time.Minute
)

// Wait is how long to wait after the attempt'th try (from 1) of something has failed:
// doubling from half a second to a minute, of that between half and all, so that those
// who failed together do not come back together.
func Wait(attempt int) time.Duration {
	wait := maxWait
	if attempt < 8 {
		wait = firstWait << max(attempt-1, 0)
	}
	return wait/2 + rand.N(wait/2)
}

// Again says when a message is to be offered again whose attempt'th offer (from 1)
// ended with err, and false where never: the fault is the message's own, or it has
// had its attempts.
func (o Options) Again(err error, attempt int) (after time.Duration, again bool) {
	if _, passes := problem.ForEvents(err); passes == 0 || o.MaxAttempts > 0 && attempt >= o.MaxAttempts {
		return 0, false
	}
	if e, ok := errors.AsType[*functions.Error](err); ok && e.RetryAfter > 0 {
		// No earlier than asked for.
		return e.RetryAfter + rand.N(e.RetryAfter/4+1), true
	}
	return Wait(attempt), true
}

// Offer offers an event until it is taken, for sources whose broker cannot be asked to
// bring a message again. It returns nil once it is taken, ctx's error where ctx ended
// before, and else the error of the last try, which no other would mend.
func (o Options) Offer(ctx context.Context, take Take, e events.Event) error {
	for attempt := 1; ; attempt++ {
		err := take(ctx, e)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		after, again := o.Again(err, attempt)
		if !again {
			return err
		}
		if !Sleep(ctx, after) {
			return ctx.Err()
		}
	}
}

// Sleep waits; false means that ctx ended first.
func Sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
