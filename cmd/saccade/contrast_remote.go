package main

import (
	"context"
	"sync"
	"time"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/functions"
)

// remoteStage is a gateway elsewhere as a replay looks at it: instances by its doors
// alone.
type remoteStage struct {
	client   *client.Client
	function string

	mu       sync.Mutex
	last     functions.FunctionStatus
	missed   int             // looks without an answer
	before   functions.Usage // when the replay began
	counts   time.Time       // when the gateway that said so began to count
	reckoned bool            // the gateway counts instance time, and is the only one
}

// lookWithin is how long one look may take.
const lookWithin = 5 * time.Second

// Functions is part of replay.Platform. Where the gateway does not answer all is taken to
// be as it was.
func (r *remoteStage) Functions() []functions.FunctionStatus {
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	now, err := r.client.Function(ctx, r.function)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.missed++
	} else {
		r.last = now
	}
	return []functions.FunctionStatus{r.last}
}

// Usage is part of replay.Platform: what instances were used since begin. Of several
// gateways behind an address each counts what went through it: what one says now and
// another said at the beginning have nothing to do with each other.
func (r *remoteStage) Usage() []functions.Usage {
	now, counts, err := r.usage()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || !counts.Equal(r.counts) {
		r.reckoned = false
	}
	if !r.reckoned {
		return nil
	}
	return []functions.Usage{now.Minus(r.before)}
}

// begin counts from now on.
func (r *remoteStage) begin() {
	before, counts, err := r.usage()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed, r.before, r.counts, r.reckoned = 0, before, counts, err == nil
}

// usage is what a gateway has counted, and since when: since its own beginning, which
// tells gateways apart.
func (r *remoteStage) usage() (functions.Usage, time.Time, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
	defer cancel()
	used := functions.Usage{Function: r.function}
	report, err := r.client.Costs(ctx, client.CostQuery{Function: r.function})
	for _, f := range report.Functions {
		if f.Function == r.function {
			s := f.Seconds
			used.Busy, used.Idle, used.Frozen = time.Duration(s.Billed), time.Duration(s.Idle), time.Duration(s.Frozen)
			used.Starting, used.Failed, used.Starts = time.Duration(s.Wasted), time.Duration(s.Failed), f.ColdStarts
		}
	}
	return used, report.Since, err
}

// looks says how many had no answer, and whether instance time was counted.
func (r *remoteStage) looks() (missed int, reckoned bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missed, r.reckoned
}

// atZero waits until the gateway knows the function and no instance of it is there.
func (r *remoteStage) atZero(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within,
		functions.Errorf(functions.Unavailable, "%s is not at zero after %v, as the gateway sees it", r.function, within))
	defer cancel()
	for {
		now, err := r.client.Function(ctx, r.function)
		switch {
		case err == nil && now.Ready+now.Starting == 0 && now.InFlight+now.Waiting == 0:
			return nil
		case err != nil && functions.KindOf(err) != functions.NotFound && ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(500 * time.Millisecond):
		}
	}
}
