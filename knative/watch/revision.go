package watch

import (
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// revision is a Knative Revision with what this gateway has seen of it. Its state is
// under mu; whatever changes it ends with publish.
type revision struct {
	functions.Revision
	key      types.NamespacedName
	platform *Platform
	history  *scaling.History // of the function
	meter    *meter

	capacity int     // requests at a time in a pod
	counted  float64 // see countedOf
	unseen   bool    // see the function of that name

	mu       sync.Mutex
	policy   scaling.Policy
	present  int // requests
	wanted   int // pods
	decided  time.Time
	number   int     // of the newest pod or order
	orders   []order // wanted pods that are not there, the oldest first
	pods     []*pod  // ready, the oldest first
	met      map[string]bool
	gate     gate
	address  string // the Service's that leads here alone; empty: there is none
	held     bool
	gone     bool
	starting int // pods that are not ready yet
	last     *functions.LastColdStart
	refusal  refusal
	shown    []seat // what the waiting room knows
}

// order is a pod that is wanted: Knative is to see so many requests that it starts it.
type order struct {
	number int
	at     time.Time
}

// newRevision is rev from its first sight on.
func newRevision(p *Platform, rev *servingv1.Revision, name string, f functions.Function, h *scaling.History) *revision {
	r := &revision{
		Revision: functions.Revision{Name: name, Function: f},
		key:      types.NamespacedName{Namespace: rev.Namespace, Name: rev.Name},
		platform: p, history: h, capacity: capacity(rev), counted: countedOf(rev), unseen: unseen(rev),
		met: map[string]bool{}, gate: newGate(),
	}
	r.meter = newMeter(f.Metadata.Name, held(rev), r.capacity)
	r.policy = r.newPolicy(rev)
	return r
}

// newPolicy says how many pods are wanted, whatever Knative's own autoscaler goes by:
// that one decides in the end, by what this gateway lets it see.
func (r *revision) newPolicy(rev *servingv1.Revision) scaling.Policy {
	s := r.Function.Spec.Scaling
	if s.IsLambda() {
		return scaling.NewLambda(s, time.Now())
	}
	policy := scaling.NewStartupAware(s, time.Now())
	memory, given, err := expected(rev)
	if err == nil && given {
		err = policy.Recall(memory)
	}
	if err != nil {
		r.platform.opts.Log.Warn("what is expected of a revision is passed over", "revision", r.Name, "error", err)
	}
	return policy
}

// update takes in what the cluster says of the revision and its pods. fresh says that
// pods that are new have become ready just now, and not before this gateway began.
func (r *revision) update(rev *servingv1.Revision, ready []endpoint, all []*corev1.Pod, fresh bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return
	}
	r.pods = slices.DeleteFunc(r.pods, func(p *pod) bool {
		if slices.Contains(ready, p.endpoint) {
			return false
		}
		p.over = true
		r.policy.Tell(scaling.Event{What: scaling.Ended, At: now, Instance: p.number})
		r.platform.opts.Log.Info("pod gets no more requests", "revision", r.Name, "pod", p.pod)
		return true
	})
	urgent := false
	for _, e := range ready {
		if !slices.ContainsFunc(r.pods, func(p *pod) bool { return p.endpoint == e }) {
			urgent = r.join(e, podNamed(all, e.pod), now, fresh) || urgent
		}
	}
	r.starting = startingOf(all, ready)
	r.forgetPods(all)
	r.meter.set(len(r.pods), r.starting)
	r.judge(rev, all, now)
	if urgent {
		r.decide(now)
	}
	r.order(now)
	r.publish()
}

// join takes in a pod that has become ready, and says whether the policy finds that urgent.
// Call with mu held.
func (r *revision) join(e endpoint, object *corev1.Pod, now time.Time, fresh bool) (urgent bool) {
	p := newPod(e)
	if r.met[e.pod] { // it was unready for a while, and may have requests of that time yet
		r.number++
		p.serial, p.generation = 1, r.number
	}
	r.met[e.pod] = true
	took, ordered := r.learned(object), len(r.orders) > 0
	if ordered {
		p.number, took = r.orders[0].number, now.Sub(r.orders[0].at)
		r.orders = r.orders[1:]
	} else {
		r.number++
		p.number = r.number
		r.policy.Tell(scaling.Event{What: scaling.Starting, At: now, Instance: p.number})
	}
	urgent = r.policy.Tell(scaling.Event{What: scaling.Ready, At: now, Instance: p.number, Took: took})
	r.pods = append(r.pods, p)
	if fresh && p.serial == 0 {
		waited := ordered || r.present > 0
		r.platform.group.Go(func() { r.account(p, object, waited) })
	}
	return urgent
}

// learned is how long the start of a pod took that nobody here has asked for: what the
// cluster says, to the second, else what starts have taken so far.
func (r *revision) learned(object *corev1.Pod) time.Duration {
	if took := podStart(object); took > 0 {
		return took
	}
	if l, ok := r.policy.(scaling.Learner); ok {
		if load := l.Remember().Load; load.Samples > 0 {
			return time.Duration(load.Seconds * float64(time.Second))
		}
	}
	return time.Second
}

// forgetPods drops the names of pods that are gone for good. Call with mu held.
func (r *revision) forgetPods(all []*corev1.Pod) {
	for name := range r.met {
		if podNamed(all, name) == nil && !slices.ContainsFunc(r.pods, func(p *pod) bool { return p.pod == name }) {
			delete(r.met, name)
		}
	}
}

// hold keeps requests in the waiting room.
func (r *revision) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.gone {
		return
	}
	r.held = true
	r.platform.room.Hold(r.Name)
	r.number++ // what is withdrawn comes back under another name
	for _, p := range r.pods {
		p.renew(r.number)
	}
	r.gate.renew()
	r.publish()
}

// move ends hold: who waits is led anew, to this revision or another one. Until then
// nobody gets the pods that are offered again, so that no request of those that are for
// another revision wakes this one.
func (r *revision) move() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held {
		return
	}
	r.held = false
	r.publish()
	r.platform.room.Move(r.Name)
}

// lead says at which address of the Service requests come to this revision alone.
func (r *revision) lead(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = address
	r.publish()
}

// end lets go of a revision that is gone; requests in pods are finished.
func (r *revision) end() {
	r.mu.Lock()
	r.gone = true
	for _, p := range r.pods {
		p.over = true
	}
	r.publish()
	r.meter.set(0, 0)
	room := r.platform.room
	if r.held { // they are for the revision that comes in its place
		room.Move(r.Name)
	}
	r.mu.Unlock()
	room.Refuse(r.Name, functions.Errorf(functions.NotFound, "the function, or this revision of it, was removed"), time.Now())
	room.Forget(r.Name)
}

// own is the address of the revision's public Kubernetes Service: its pods, or the
// activator where Knative has that in between.
func (r *revision) own() string {
	return fmt.Sprintf("%s.%s.svc.%s", r.key.Name, r.key.Namespace, r.platform.opts.ClusterDomain)
}
