package watch

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/seed45885407/saccade/functions"
)

// Containers of a function's pod.
const (
	runtimeContainer = "runtime"
	modelContainer   = "model" // an init container
)

// account finds out what the start of a pod was spent on, and says it.
func (r *revision) account(p *pod, object *corev1.Pod, waited bool) {
	start, err := r.platform.opts.asks.started(r.platform.ctx, p.address)
	phases := phasesOf(object)
	start.Pull = functions.Millis(phases.pull)
	log := r.platform.opts.Log.With("revision", r.Name, "pod", p.pod)
	if err != nil {
		log.Warn("pod ready, and does not say what its start was spent on", "error", err)
		return
	}
	log.Info("pod ready", "schedule", phases.schedule.Milliseconds(), "sandbox", phases.sandbox.Milliseconds(),
		"pull", phases.pull.Milliseconds(), "container", phases.container.Milliseconds(),
		"start", start.Start.Milliseconds(), "load", start.Load.Milliseconds(), "warmup", start.Warmup.Milliseconds())
	r.mu.Lock()
	p.start = start
	r.last = &functions.LastColdStart{At: time.Now(), Start: start, Total: functions.Millis(start.Total())}
	r.mu.Unlock()
	if waited && r.platform.opts.Started != nil {
		r.platform.opts.Started(r.Function.Metadata.Name, start)
	}
}

// ledger is what the start of p was spent on; of the newest pod where p is nil, since
// the activator does not say where it sent a request. Nothing where that pod has not been
// seen ready yet: what there is to tell is of one that is gone.
func (r *revision) ledger(p *pod) functions.Start {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case p != nil:
		return p.start
	case r.last != nil && len(r.pods) > 0:
		return r.last.Start
	}
	return functions.Start{}
}

// phases are the parts of a pod's start that the cluster knows, to the second.
type phases struct {
	schedule  time.Duration // until a node was found
	sandbox   time.Duration // its network, and whatever else comes before a container
	pull      time.Duration // the model, by the init container
	container time.Duration // from then until the function's container ran
}

func phasesOf(pod *corev1.Pod) (f phases) {
	if pod == nil {
		return f
	}
	at := pod.CreationTimestamp.Time
	until := func(t time.Time) time.Duration {
		if t.IsZero() || at.IsZero() || t.Before(at) {
			return 0
		}
		took := t.Sub(at)
		at = t
		return took
	}
	f.schedule = until(trueSince(pod, corev1.PodScheduled))
	f.sandbox = until(trueSince(pod, corev1.PodReadyToStartContainers))
	if s := statusOf(pod.Status.InitContainerStatuses, modelContainer); s != nil && s.State.Terminated != nil {
		if f.sandbox == 0 { // the cluster does not tell when it was there, or in the same second
			f.sandbox = until(s.State.Terminated.StartedAt.Time)
		}
		f.pull = until(s.State.Terminated.FinishedAt.Time)
	}
	if s := statusOf(pod.Status.ContainerStatuses, runtimeContainer); s != nil && s.State.Running != nil {
		f.container = until(s.State.Running.StartedAt.Time)
	}
	return f
}

// podStart is how long a pod took from its creation until it was ready, to the second;
// 0 where that is not known.
func podStart(pod *corev1.Pod) time.Duration {
	if pod == nil || pod.CreationTimestamp.IsZero() {
		return 0
	}
	ready := trueSince(pod, corev1.PodReady)
	if ready.IsZero() {
		return 0
	}
	return max(time.Second, ready.Sub(pod.CreationTimestamp.Time))
}

// trueSince is since when a condition holds; zero where it does not.
func trueSince(pod *corev1.Pod, condition corev1.PodConditionType) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == condition && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

func statusOf(all []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	if i := slices.IndexFunc(all, func(s corev1.ContainerStatus) bool { return s.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

func podNamed(all []*corev1.Pod, name string) *corev1.Pod {
	if i := slices.IndexFunc(all, func(p *corev1.Pod) bool { return p.Name == name }); i >= 0 {
		return all[i]
	}
	return nil
}

// startingOf counts the pods that are not ready yet.
func startingOf(all []*corev1.Pod, ready []endpoint) int {
	n := 0
	for _, p := range all {
		over := p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded
		if !over && !slices.ContainsFunc(ready, func(e endpoint) bool { return e.pod == p.Name }) {
			n++
		}
	}
	return n
}
