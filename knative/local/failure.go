package local

import (
	"errors"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// failed counts a start that failed and decides what follows: another try soon,
// or the truth for those who wait. Call with mu held.
func (r *revision) failed(err *startError) {
	if told := r.platform.opts.StartFailed; told != nil {
		told(r.Function.Metadata.Name)
	}
	if err.killed {
		r.killed++
	} else {
		r.attempts.failed++
	}
	tries := max(r.attempts.failed, r.killed)
	if err.permanent || r.attempts.failed >= maxFailedStarts || r.killed >= maxKilledStarts {
		r.refuse(err.reason)
		return
	}
	r.again(min(maxBackoff, firstBackoff<<(tries-1)))
}

// refuse gives up for a while, longer each time. Call with mu held.
func (r *revision) refuse(reason error) {
	if r.platform.ctx.Err() != nil || r.stopped {
		return
	}
	r.attempts.failed++
	backoff := min(maxBackoff, refusal<<min(r.attempts.failed, 10))
	public, ok := errors.AsType[*functions.Error](reason)
	if !ok {
		public = functions.Errorf(functions.Unavailable, "the function could not be started").Because(reason)
	}
	r.err = public
	r.closeProved()
	r.platform.opts.Log.Error("function cannot start", "revision", r.Name, "error", reason, "again_in", backoff)
	// Nobody waits any more once they are refused: the next request wakes anew.
	r.want(r.Function.Spec.Scaling.MinScale, func() string { return "no instance comes up: " + public.Detail })
	r.platform.room.Refuse(r.Name, public, time.Now().Add(backoff))
	r.again(backoff)
}

// again reconciles after the backoff. Call with mu held.
func (r *revision) again(backoff time.Duration) {
	r.notBefore = time.Now().Add(backoff)
	r.platform.group.Go(func() {
		select {
		case <-time.After(backoff):
		case <-r.stopping:
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.platform.room.Reopen(r.Name)
		r.reconcile()
	})
}

func (r *revision) closeProved() {
	select {
	case <-r.proved:
	default:
		close(r.proved)
	}
}
