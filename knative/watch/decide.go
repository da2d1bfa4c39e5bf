package watch

import (
	"fmt"
	"math"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// arrived asks the policy at once where that finds it urgent, or where pods are wanted
// and nobody has asked for them yet.
func (r *revision) arrived() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.present++
	urgent := r.policy.Tell(scaling.Event{What: scaling.Arrived, At: now})
	if urgent || r.wanted == 0 || len(r.orders)+len(r.pods) < r.wanted {
		r.decide(now)
	}
}

// soon is how often the policy is asked between its ticks while requests wait.
const soon = scaling.Tick / 8

// left is told how long the request was in a pod, 0 where that is not known.
func (r *revision) left(took time.Duration) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.present--
	urgent := r.policy.Tell(scaling.Event{What: scaling.Left, At: now, Took: r.alone(took)})
	if urgent || r.present > len(r.pods)*r.capacity && now.Sub(r.decided) >= soon {
		r.decide(now)
		return
	}
	r.publish() // it may have been with the activator, and so in the way of others
}

// alone is how long a request would have taken without those that went past the ready
// pods, to be seen: they are in the same pods, and queue there. Were their queue taken
// for work, more pods would be wanted, and more requests shown, without an end. Call with
// mu held.
func (r *revision) alone(took time.Duration) time.Duration {
	slots := r.there() * r.capacity
	past := r.platform.room.Leases(r.Name, r.gateName())
	if slots == 0 || past == 0 || r.byService() {
		return took
	}
	return took * time.Duration(slots) / time.Duration(slots+past)
}

func (r *revision) tick(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.present > 0 || r.wanted > 0 {
		r.decide(now)
	}
}

// decide asks the policy how many pods are wanted: none while requests are held, which are
// for whoever has them then. Call with mu held.
func (r *revision) decide(now time.Time) {
	if r.gone || r.held {
		return
	}
	r.decided = now
	d := r.policy.Decide(now)
	enough := max(r.enough(), r.Function.Spec.Scaling.MinScale)
	if wanted := min(d.Instances, enough); wanted != r.wanted {
		why := d.Reason.String()
		if wanted < d.Instances {
			why = fmt.Sprintf("%s; %d clear what is there in good time", why, enough)
		}
		r.platform.opts.Log.Info("scaling", "revision", r.Name, "from", r.wanted, "to", wanted, "why", why)
		r.history.Add(functions.Decision{At: now, Revision: r.Name, From: r.wanted, To: wanted, Reason: why})
		r.wanted = wanted
	}
	r.order(now)
	r.publish()
}

// goodTime is the longest in which what waits is to be cleared.
const goodTime = 2 * time.Second

// enough is how many pods clear the requests that are here in as long as a start takes,
// goodTime at most: the policy would have nobody wait a tenth longer than a start, which
// is fair where instances are processes, and for pods asks for many that live for the
// moment of one burst. Nothing but growth is bounded by it: pods that are there are
// Knative's to let go. Call with mu held.
func (r *revision) enough() int {
	l, ok := r.policy.(scaling.Learner)
	if !ok {
		return math.MaxInt
	}
	m := l.Remember()
	if m.Load.Samples == 0 || m.Service.Samples == 0 || m.Service.Seconds <= 0 {
		return math.MaxInt // the policy wants one then
	}
	within := max(m.Service.Seconds, min(m.Load.Seconds, goodTime.Seconds()))
	return max(1, int(math.Ceil(float64(r.present)*m.Service.Seconds/(float64(r.capacity)*within)-1e-9)))
}

// order notes which wanted pods are not there. Without a request there is nothing by
// which Knative could be asked for one. Call with mu held.
func (r *revision) order(now time.Time) {
	for r.present > 0 && len(r.orders)+len(r.pods) < r.wanted {
		r.number++
		r.orders = append(r.orders, order{r.number, now})
		r.policy.Tell(scaling.Event{What: scaling.Starting, At: now, Instance: r.number})
	}
	for len(r.orders) > 0 && len(r.orders)+len(r.pods) > r.wanted {
		last := r.orders[len(r.orders)-1]
		r.orders = r.orders[:len(r.orders)-1]
		r.policy.Tell(scaling.Event{What: scaling.Ended, At: now, Instance: last.number})
	}
}
