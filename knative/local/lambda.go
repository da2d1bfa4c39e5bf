package local

import (
	"errors"
	"runtime"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// What style lambda does differently on this machine, beside the policy.

// bound lets the function have as many requests at a time as it may have instances:
// nothing waits in a queue. Call before the first request.
func (r *revision) bound() {
	s := r.Function.Spec.Scaling
	if !s.IsLambda() {
		return
	}
	most := r.platform.opts.maxInstances(r.Function)
	if s.Lambda.ReservedConcurrency > 0 {
		most = min(most, s.Lambda.ReservedConcurrency)
	}
	r.platform.room.Bound(r.Name, max(most, s.MinScale))
}

// lambdaInstances is how many instances of f keep every CPU busy.
func lambdaInstances(f functions.Function) int {
	return max(1, int(float64(runtime.GOMAXPROCS(0))/f.Spec.Scaling.Lambda.Cores()))
}

// startTimeout is how long the instance may take to become ready.
func (r *revision) startTimeout(i *instance) time.Duration {
	s := r.Function.Spec.Scaling
	timeout := time.Duration(s.StartTimeout)
	switch {
	case !s.IsLambda():
	case i.second:
		timeout = time.Duration(s.Timeout)
	case i.provisioned:
		timeout = max(functions.LambdaProvisionedInitTimeout, time.Duration(s.Timeout))
	}
	return timeout
}

// secondInit says that the instance's start, which took too long, is to be begun
// again with more time. Call with mu held.
func (r *revision) secondInit(i *instance) bool {
	return r.Function.Spec.Scaling.IsLambda() && !i.second && errors.Is(i.failure, errStartTimeout)
}

// settle freezes the instance once its start has left it nothing to do.
func (r *revision) settle(i *instance) {
	if i.freezer == nil {
		return
	}
	r.platform.group.Go(func() {
		i.process.settle(i.life.Ended())
		i.freezer.settle()
	})
}

// excess is the ready instance to let go when there is one too many, or nil: of
// style lambda the idle one whose use is longest ago, else the newest. Call with mu
// held.
func (r *revision) excess() *instance {
	var best *instance
	var longest time.Time
	for _, i := range r.instances {
		switch {
		case i.state != ready:
		case i.freezer == nil:
			best = i
		default:
			if used, idle := i.freezer.lastUsed(); idle && (best == nil || used.Before(longest)) {
				best, longest = i, used
			}
		}
	}
	return best
}
