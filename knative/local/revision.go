package local

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Bounds of trying again.
const (
	// maxFailedStarts: after so many in a row the waiters are told why.
	maxFailedStarts = 3
	// maxKilledStarts: as many where the instance was killed from outside, which
	// says less about the function.
	maxKilledStarts = 10
	firstBackoff    = 100 * time.Millisecond
	maxBackoff      = time.Minute
	// refusal is the least time for which a function that cannot start is refused.
	refusal = 2 * time.Second
	// stopGrace is how long an instance may take to leave when asked to.
	stopGrace = 10 * time.Second
)

// revision keeps as many instances of a Revision as are wanted. All its state is
// under mu; whatever changes it ends with reconcile.
type revision struct {
	functions.Revision
	platform *Platform
	pull     func(context.Context) (Model, error)
	proved   chan struct{} // closed at the first ready instance or the first refusal

	mu        sync.Mutex
	policy    scaling.Policy
	model     *Model
	pulling   bool
	pullTime  functions.Millis
	instances []*instance
	serial    int
	wanted    int
	proving   bool // one instance is wanted whatever the autoscaler says
	retired   bool
	stopped   bool
	stopping  chan struct{}
	attempts
	lastStart *functions.LastColdStart
	err       error // why no instance comes, while none does
}

// attempts counts starts that failed in a row.
type attempts struct {
	failed, killed int
	notBefore      time.Time
}

func newRevision(p *Platform, rev functions.Revision, pull func(context.Context) (Model, error)) *revision {
	r := &revision{
		Revision: rev, platform: p, pull: pull,
		proved: make(chan struct{}), stopping: make(chan struct{}),
	}
	r.wanted = rev.Function.Spec.Scaling.MinScale
	r.policy = p.policy(rev.Function.Spec.Scaling, time.Now())
	return r
}

// start begins to scale; it returns at once.
func (r *revision) start() {
	r.platform.group.Go(r.scale)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reconcile()
}

// scale asks the policy at Knative's pace until the revision stops.
func (r *revision) scale() {
	ticker := time.NewTicker(scaling.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-r.stopping:
			return
		case now := <-ticker.C:
			r.mu.Lock()
			r.decide(now)
			r.mu.Unlock()
		}
	}
}

// decide asks the policy and keeps to the machine's bound. Call with mu held.
func (r *revision) decide(now time.Time) {
	decision := r.policy.Decide(now)
	s := r.Function.Spec.Scaling
	wanted := max(min(decision.Instances, r.platform.opts.maxInstances(r.Function)), s.MinScale)
	if wanted != r.wanted {
		r.platform.opts.Log.Info("scaling", "revision", r.Name, "from", r.wanted, "to", wanted, "why", decision.Reason.String())
	}
	r.wanted = wanted
	r.reconcile()
}

// arrived wakes the function at zero at once; beyond one the policy decides when
// it is asked, unless it finds that urgent too.
func (r *revision) arrived() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	urgent := r.policy.Tell(scaling.Event{What: scaling.Arrived, At: now})
	if (urgent || r.wanted == 0) && !r.stopped {
		r.decide(now)
	}
}

// left is told how long the request was in its instance, 0 where it never was.
func (r *revision) left(took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy.Tell(scaling.Event{What: scaling.Left, At: time.Now(), Took: took})
	if r.retired {
		r.reconcile()
	}
}

// tell tells the policy of an instance. Call with mu held.
func (r *revision) tell(what scaling.What, i *instance, took time.Duration) {
	r.policy.Tell(scaling.Event{What: what, At: time.Now(), Instance: i.serial, Took: took})
}

// prove starts one instance of a new revision and waits until it is ready.
func (r *revision) prove(ctx context.Context) error {
	r.mu.Lock()
	r.proving = true
	r.reconcile()
	r.mu.Unlock()
	select {
	case <-r.proved:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// The instance stays as if a request had woken it; the autoscaler takes it from here.
	r.proving, r.wanted = false, max(1, r.wanted)
	return r.err
}

// retire lets the revision finish the requests it has and keeps it at zero then.
func (r *revision) retire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.retired, r.proving = true, false
	r.reconcile()
}

// stop ends everything; the platform's group tells when that is done.
func (r *revision) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.stopped = true
	close(r.stopping)
	for _, i := range r.instances {
		r.drain(i)
	}
	r.publish()
}

// goal is the number of instances that should live now. Call with mu held.
func (r *revision) goal() int {
	switch {
	case r.stopped:
		return 0
	case r.retired:
		if inFlight, waiting := r.platform.room.Load(r.Name); inFlight+waiting == 0 {
			r.wanted = 0
			return 0
		}
		return max(1, r.wanted)
	case r.proving:
		return max(1, r.wanted)
	}
	return r.wanted
}

// reconcile starts what is missing and drains what is too much. Call with mu held.
func (r *revision) reconcile() {
	goal := r.goal()
	living := r.count(starting) + r.count(ready)
	if goal > living && !r.stopped && !time.Now().Before(r.notBefore) {
		if r.model == nil {
			r.fetchModel()
			return
		}
		for range goal - living {
			r.launch()
		}
	}
	// An instance that is still loading is never the one to go: its load would be
	// paid again a moment later.
	for i := len(r.instances) - 1; i >= 0 && living > goal; i-- {
		if r.instances[i].state == ready {
			r.drain(r.instances[i])
			living--
		}
	}
	r.publish()
}

// fetchModel pulls the model once, then reconciles. Call with mu held.
func (r *revision) fetchModel() {
	if r.pulling {
		return
	}
	r.pulling = true
	began := time.Now()
	r.platform.group.Go(func() {
		model, err := r.pull(r.platform.ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.pulling, r.pullTime = false, functions.Since(began)
		if err != nil {
			r.refuse(err)
			return
		}
		r.model = &model
		r.reconcile()
	})
}

// publish tells the waiting room which instances may get requests. Call with mu held.
func (r *revision) publish() {
	var published []coldstart.Instance
	for _, i := range r.instances {
		if i.state != draining && i.process != nil {
			published = append(published, i.published())
		}
	}
	r.platform.room.Publish(r.Name, published)
}

// failed counts a start that failed and decides what follows: another try soon,
// or the truth for those who wait. Call with mu held.
func (r *revision) failed(err *startError) {
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
	r.wanted = r.Function.Spec.Scaling.MinScale
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

// count is the number of instances in a state. Call with mu held.
func (r *revision) count(s state) int {
	n := 0
	for _, i := range r.instances {
		if i.state == s {
			n++
		}
	}
	return n
}

// status is the revision as its users see it.
func (r *revision) status() functions.FunctionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	spec := r.Function.Spec
	inFlight, waiting := r.platform.room.Load(r.Name)
	s := functions.FunctionStatus{
		Name: r.Function.Metadata.Name, Revision: r.Name,
		Model: spec.Model.URI, Family: string(spec.Model.Family), Licence: spec.Model.Licence,
		Ready: r.count(ready), Starting: r.count(starting), InFlight: inFlight, Waiting: waiting,
		LastColdStart: r.lastStart,
	}
	if r.model != nil {
		s.ModelSum, s.Family = r.model.Sum, string(r.model.Family)
	}
	switch {
	case s.Ready > 0:
		s.State = "ready"
	case s.Starting > 0 || r.pulling:
		s.State = "starting"
	case r.count(draining) > 0:
		s.State = "draining"
	default:
		s.State = "zero"
	}
	if r.err != nil {
		s.Error = publicText(r.err)
	}
	return s
}

func (r *revision) drop(i *instance) {
	r.instances = slices.DeleteFunc(r.instances, func(other *instance) bool { return other == i })
}
