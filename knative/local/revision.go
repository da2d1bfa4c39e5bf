package local

import (
	"context"
	"fmt"
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

	history *scaling.History // of the function

	mu        sync.Mutex
	policy    scaling.Policy
	news      bool // something was measured since it was written down
	model     *Model
	pulling   bool
	pullTime  functions.Millis
	instances []*instance
	serial    int
	seconds   int // starts that took too long and are owed another, longer one
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
	r.policy = p.policy(rev.Function.Spec.Scaling, time.Now())
	return r
}

// start begins to scale; it returns at once.
func (r *revision) start() {
	r.platform.group.Go(r.scale)
	r.bound()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.want(r.Function.Spec.Scaling.MinScale, func() string { return "so many are kept always" })
	r.reconcile()
}

// scale asks the policy at Knative's pace until the revision stops.
func (r *revision) scale() {
	ticker := time.NewTicker(scaling.Tick)
	defer ticker.Stop()
	writing := time.NewTicker(rememberEvery)
	defer writing.Stop()
	defer r.remember()
	for {
		select {
		case <-r.stopping:
			return
		case <-writing.C:
			r.remember()
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
	room := max(r.platform.opts.maxInstances(r.Function), r.Function.Spec.Scaling.MinScale)
	r.want(max(min(decision.Instances, room), r.Function.Spec.Scaling.MinScale), func() string {
		if decision.Instances > room {
			return fmt.Sprintf("%s; that is %d instances, and this machine has room for %d", decision.Reason, decision.Instances, room)
		}
		return decision.Reason.String()
	})
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
	now := time.Now()
	urgent := r.policy.Tell(scaling.Event{What: scaling.Left, At: now, Took: took})
	r.news = true
	switch {
	case urgent && !r.stopped:
		r.decide(now)
	case r.retired:
		r.reconcile()
	}
}

// tell tells the policy of an instance. Call with mu held.
func (r *revision) tell(what scaling.What, i *instance, took time.Duration) (urgent bool) {
	r.news = true
	return r.policy.Tell(scaling.Event{What: what, At: time.Now(), Instance: i.serial, Took: took})
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
	r.proving = false
	r.want(max(1, r.wanted), func() string { return "the instance that proved the new version stays for now" })
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
			r.want(0, func() string { return "a newer version answers, and this one's last request is over" })
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
	for ; living > goal; living-- {
		i := r.excess()
		if i == nil {
			break
		}
		r.drain(i)
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
		if r.recall() && !r.stopped {
			r.decide(time.Now()) // those who woke it were counted before this was known
			return
		}
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

func (r *revision) drop(i *instance) {
	r.instances = slices.DeleteFunc(r.instances, func(other *instance) bool { return other == i })
}
