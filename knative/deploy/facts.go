package deploy

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// fact is something that has come true of a deployment. It is told once, by its key.
type fact struct{ key, text string }

// factsOf are what a State shows of the newest revision's way to its traffic, in the
// order in which they come true. It is a pure function of s.
func factsOf(s State) []fact {
	var facts []fact
	newest := s.newest()
	r := s.revision(newest)
	if r == nil {
		return nil
	}
	tell := func(key, format string, args ...any) {
		facts = append(facts, fact{newest + "/" + key, clean(fmt.Sprintf(format, args...))})
	}
	tell("created", "revision %s created", newest)
	for _, p := range s.podsOf(newest) {
		podFacts(s, p, tell)
	}
	if r.Status.GetCondition(servingv1.RevisionConditionReady).IsTrue() {
		tell("ready", "revision %s is ready", newest)
		if serving := s.Serving(); serving != "" && s.observed() {
			facts = append(facts, fact{"traffic/" + serving, "traffic: " + serving}) // whichever is the newest
		}
	}
	return facts
}

func podFacts(s State, p corev1.Pod, tell func(key, format string, args ...any)) {
	if p.Spec.NodeName != "" {
		tell(p.Name+"/scheduled", "pod %s is scheduled on %s", p.Name, p.Spec.NodeName)
	}
	told := map[string]bool{} // the init container has the runtime's image
	for _, e := range s.Events {
		if e.InvolvedObject.Name != p.Name || e.Reason != "Pulling" && e.Reason != "Pulled" || strings.Contains(e.InvolvedObject.FieldPath, "{"+ContainerQueue+"}") {
			continue
		}
		key := p.Name + "/" + e.Reason
		switch {
		case told[key] || told[p.Name+"/Pulled"]:
		case e.Reason == "Pulling":
			tell(key, "pulling the image")
		case strings.Contains(e.Message, "already present"):
			tell(key, "the image is on the node already")
		default:
			tell(key, "the image is pulled%s", took(e.Message))
		}
		told[key] = true
	}
	for _, c := range p.Status.InitContainerStatuses {
		if c.Name != ContainerModel {
			continue
		}
		if c.State.Running != nil {
			tell(p.Name+"/model", "pulling the model")
		}
		if t := c.State.Terminated; t != nil && t.ExitCode == 0 {
			tell(p.Name+"/model/done", "the model is there after %s", t.FinishedAt.Sub(t.StartedAt.Time).Round(100*time.Millisecond))
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if c.Name == ContainerRuntime && c.State.Running != nil && c.RestartCount == 0 && !c.Ready {
			if pullsItself(p) {
				tell(p.Name+"/loading", "the runtime runs, pulls the model and loads it")
			} else {
				tell(p.Name+"/loading", "the runtime runs and loads the model")
			}
		}
	}
	if isReady(p) {
		tell(p.Name+"/ready", "pod %s is ready", p.Name)
	}
}

// took is how long the kubelet says that a pull took: "Successfully pulled image "x" in
// 3.2s (3.2s including waiting)".
func took(message string) string {
	_, after, found := strings.Cut(message, `" in `)
	if !found {
		return ""
	}
	for word := range strings.FieldsSeq(after) {
		if d, err := time.ParseDuration(word); err == nil {
			return " after " + d.Round(100*time.Millisecond).String()
		}
		break
	}
	return ""
}
