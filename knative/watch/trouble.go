package watch

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"

	"github.com/seed45885407/saccade/functions"
)

// trouble is why a revision's pods do not come up.
type trouble struct {
	reason string // a sentence; empty: none is known
	at     time.Time
	// lasting: waiting any longer is no use. Else it may pass: a node may come, an image
	// be pulled at the second try.
	lasting bool
}

// crashes is how often a container may have ended before those who wait are told.
const crashes = 2

// troubleOf says what the cluster knows: the pods first, who know it sooner and better.
func troubleOf(rev *servingv1.Revision, pods []*corev1.Pod) trouble {
	var worst trouble
	for _, p := range pods {
		if t := troubleOfPod(p); t.reason != "" && (worst.reason == "" || t.lasting && !worst.lasting || t.lasting == worst.lasting && t.at.After(worst.at)) {
			worst = t
		}
	}
	if worst.reason != "" {
		return worst
	}
	ready := rev.Status.GetCondition(servingv1.RevisionConditionReady)
	if !ready.IsFalse() {
		return trouble{}
	}
	return trouble{said(ready.GetReason(), ready.GetMessage()), ready.LastTransitionTime.Inner.Time, true}
}

func troubleOfPod(p *corev1.Pod) trouble {
	if p.DeletionTimestamp != nil {
		return trouble{}
	}
	for _, s := range p.Status.InitContainerStatuses {
		if t := troubleOfContainer(p, s); t.reason != "" {
			return t
		}
	}
	for _, s := range p.Status.ContainerStatuses {
		if t := troubleOfContainer(p, s); t.reason != "" {
			return t
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return trouble{reason: said(c.Reason, c.Message), at: c.LastTransitionTime.Time}
		}
	}
	return trouble{}
}

func troubleOfContainer(p *corev1.Pod, s corev1.ContainerStatus) trouble {
	if waiting := s.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "", "ContainerCreating", "PodInitializing":
		case "CrashLoopBackOff": // its last end says more
		case "ErrImagePull":
			return trouble{reason: said(waiting.Reason, waiting.Message), at: p.CreationTimestamp.Time}
		default: // ImagePullBackOff, InvalidImageName, CreateContainerConfigError, ...
			return trouble{said(waiting.Reason, waiting.Message), p.CreationTimestamp.Time, true}
		}
	}
	ended := cmp.Or(s.State.Terminated, s.LastTerminationState.Terminated)
	if ended == nil || ended.ExitCode == 0 || s.Ready {
		return trouble{}
	}
	text := strings.TrimSpace(ended.Message)
	if text == "" {
		text = fmt.Sprintf("it ended with code %d (%s)", ended.ExitCode, ended.Reason)
	}
	return trouble{
		reason: fmt.Sprintf("the container %s failed: %s", s.Name, text), at: ended.FinishedAt.Time,
		lasting: s.RestartCount >= crashes || ended.ExitCode == functions.ExitForGood,
	}
}

// said puts a condition's reason and message into one sentence.
func said(reason, message string) string {
	message = strings.TrimSpace(message)
	switch {
	case message == "":
		return reason
	case reason == "":
		return message
	}
	return reason + ": " + message
}

// refusal is what those who come are told, and for how long.
type refusal struct {
	trouble trouble   // of which they were told
	now     trouble   // for the status
	until   time.Time // zero: nobody is refused
	times   int
}

// How long a revision in trouble is refused, longer each time.
const (
	firstRefusal = 5 * time.Second
	lastRefusal  = time.Minute
	// longestReason bounds what callers are told: it comes from a log.
	longestReason = 500
)

// judge refuses requests where no pod comes up, and ends that where one does or where
// trying again is due. Call with mu held.
func (r *revision) judge(rev *servingv1.Revision, all []*corev1.Pod, now time.Time) {
	f := &r.refusal
	f.now = troubleOf(rev, all)
	refused := !f.until.IsZero()
	if len(r.pods) > 0 || refused && !now.Before(f.until) {
		if len(r.pods) > 0 {
			*f = refusal{now: f.now}
		}
		f.until = time.Time{}
		if refused {
			r.platform.room.Reopen(r.Name)
		}
		return
	}
	// The same failure again is none: those who came since are trying anew.
	if refused || !f.now.lasting || f.now == f.trouble {
		return
	}
	pause := min(lastRefusal, firstRefusal<<min(f.times, 10))
	f.times++
	f.trouble, f.until = f.now, now.Add(pause)
	r.platform.opts.Log.Error("function cannot start", "revision", r.Name, "error", f.now.reason, "again_in", pause)
	if r.platform.opts.StartFailed != nil {
		r.platform.opts.StartFailed(r.Function.Metadata.Name)
	}
	r.platform.room.Refuse(r.Name,
		functions.Errorf(functions.Unavailable, "the function does not start: %.*s", longestReason, f.now.reason), f.until)
	r.platform.later(change{aRevision, r.key}, pause)
}
