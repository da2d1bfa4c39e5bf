package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// Trouble is what keeps a revision from being ready.
type Trouble struct {
	Revision string
	// Pod and Container are where it is seen; empty where it is not of a pod.
	Pod, Container string
	// Reason is Kubernetes' or Knative's word for it.
	Reason string
	// Text is a sentence for people. It holds no secret that stands in a URL.
	Text string
	// Final says that waiting longer would be in vain.
	Final bool
	// Ended says that the container has ended, so that its last lines may tell more.
	Ended bool
}

// Diagnose tells what keeps the function's newest revision from being ready; the zero
// Trouble where nothing does, or where it is merely on its way. It is a pure function
// of s.
func Diagnose(s State) Trouble {
	switch {
	case s.Service == nil:
		return Trouble{}
	case !s.observed():
		return Trouble{Reason: "NotObserved", Text: "Knative has not taken up the change yet"}
	}
	newest := s.newest()
	if t := ofConfiguration(s); t.Reason != "" {
		return t
	}
	if t := DiagnoseRevision(s, newest); t.Reason != "" {
		return t
	}
	r := s.revision(newest)
	if r == nil || !r.Status.GetCondition(servingv1.RevisionConditionReady).IsTrue() {
		return Trouble{}
	}
	return ofRoute(s)
}

// DiagnoseRevision is Diagnose for any revision. One that is ready is in trouble still
// where a pod of it fails.
func DiagnoseRevision(s State, name string) Trouble {
	r := s.revision(name)
	if r == nil {
		return Trouble{}
	}
	ready := r.Status.GetCondition(servingv1.RevisionConditionReady)
	pod := worst(s, name)
	if pod.Reason != "" && !(pod.waits && ready.IsTrue()) {
		pod.Final = pod.Final || !ready.IsTrue() && isFinal(ready)
		return pod.Trouble
	}
	if ready == nil || ready.IsTrue() {
		return Trouble{}
	}
	t := ofRevision(name, r)
	// Knative has let go of what never came up, and does not try it again.
	t.Final = t.Final || t.Reason != "" && len(s.podsOf(name)) == 0 && r.Status.GetCondition(servingv1.RevisionConditionActive).IsFalse()
	return t
}

// ofConfiguration is what Knative says where it could not even make the revision.
func ofConfiguration(s State) Trouble {
	c := s.Service.Status.GetCondition(servingv1.ServiceConditionConfigurationsReady)
	if !c.IsFalse() {
		return Trouble{}
	}
	text, refused := strings.CutPrefix(c.Message, "Revision creation failed with message: ")
	if !refused && c.Reason != "NotOwned" {
		return Trouble{} // what is wrong with a revision is read off the revision
	}
	if refused {
		text = "no revision could be made: " + text
	}
	return Trouble{Reason: cmp.Or(c.Reason, "RevisionFailed"), Text: clean(text), Final: true}
}

// ofRevision is what Knative says of a revision of which no pod tells more.
func ofRevision(name string, r *servingv1.Revision) Trouble {
	for _, kind := range []apis.ConditionType{servingv1.RevisionConditionContainerHealthy, servingv1.RevisionConditionResourcesAvailable} {
		c := r.Status.GetCondition(kind)
		if !c.IsFalse() {
			continue
		}
		text := cmp.Or(c.Message, c.Reason)
		switch c.Reason {
		case servingv1.ReasonProgressDeadlineExceeded:
			text = "Knative gave up: no pod became ready within its progress deadline (" + text + ")"
		case "FailedCreate":
			text = "no pod could be made: " + text // quota, Pod Security, a webhook
		case "Unschedulable":
			text = "no pod can be scheduled: " + text
		}
		return Trouble{Revision: name, Reason: cmp.Or(c.Reason, "NotReady"), Text: clean(text), Final: isFinal(c)}
	}
	return Trouble{}
}

// isFinal says that Knative does not try again what the condition tells, or tries what
// cannot come right by itself. What ends with an exit code is started again, and no
// pod can be scheduled until there is room: these may pass.
func isFinal(c *apis.Condition) bool {
	switch {
	case !c.IsFalse():
		return false
	case c.Reason == servingv1.ReasonContainerMissing, c.Reason == servingv1.ReasonNotOwned,
		c.Reason == servingv1.ReasonProgressDeadlineExceeded:
		return true
	}
	return false
}

// ofRoute is why a function whose newest revision is ready is not.
func ofRoute(s State) Trouble {
	c := s.Service.Status.GetCondition(servingv1.ServiceConditionRoutesReady)
	if c == nil || c.IsTrue() {
		return Trouble{}
	}
	if c.Reason == "" && c.Message == "" || slices.Contains([]string{"TrafficNotMigrated", "OutOfDate", "RevisionMissing"}, c.Reason) {
		return Trouble{} // on its way
	}
	text := "the route is not ready: " + cmp.Or(c.Message, c.Reason)
	if c.Reason == "IngressNotConfigured" || c.Reason == "Uninitialized" {
		text += " (does the ingress that Knative is configured with run?)"
	}
	return Trouble{
		Reason: c.Reason, Text: clean(text),
		Final: c.Reason == "RevisionNameTaken" || c.Reason == servingv1.ReasonNotOwned,
	}
}

// podTrouble is a trouble of a pod. waits says that nothing is wrong: the pod is on
// its way.
type podTrouble struct {
	Trouble
	waits bool
	rank  int // the higher, the more it tells
}

// worst is the trouble of the revision's pods that tells most.
func worst(s State, revision string) podTrouble {
	var most podTrouble
	for _, p := range s.podsOf(revision) {
		if t := ofPod(s, p); t.Reason != "" && (most.Reason == "" || t.rank > most.rank) {
			t.Revision, t.Pod = revision, p.Name
			t.Text = clean(fmt.Sprintf("pod %s: %s", p.Name, t.Text))
			most = t
		}
	}
	return most
}

// The ranks of what is wrong with pods.
const (
	rankWaits = iota
	rankScheduling
	rankSandbox
	rankImage
	rankEnded
	rankFinal
)

// ofPod tells what keeps p from being ready.
func ofPod(s State, p corev1.Pod) podTrouble {
	if isReady(p) {
		return podTrouble{}
	}
	if p.Status.Phase == corev1.PodFailed {
		return podTrouble{
			Trouble: Trouble{Reason: cmp.Or(p.Status.Reason, "Failed"), Text: "it was ended by the node: " + cmp.Or(p.Status.Message, p.Status.Reason, "no reason is told")},
			rank:    rankEnded,
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return podTrouble{
				Trouble: Trouble{Reason: cmp.Or(c.Reason, "Unschedulable"), Text: "it cannot be scheduled: " + cmp.Or(c.Message, c.Reason)},
				rank:    rankScheduling,
			}
		}
	}
	var most podTrouble
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, c := range list {
			if t := ofContainer(s, p, c); t.Reason != "" && (most.Reason == "" || t.rank > most.rank) {
				t.Container = c.Name
				most = t
			}
		}
	}
	if most.Reason == "" || most.waits {
		if e, ok := s.event(p.Name, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"); ok && notStarted(p) {
			return podTrouble{Trouble: Trouble{Reason: e.Reason, Text: e.Message}, rank: rankSandbox}
		}
	}
	return most
}

// notStarted says that no container of p has ever run: a volume or the sandbox is
// missing.
func notStarted(p corev1.Pod) bool {
	for _, list := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, c := range list {
			if c.State.Waiting == nil || c.LastTerminationState.Terminated != nil {
				return false
			}
		}
	}
	return true
}
