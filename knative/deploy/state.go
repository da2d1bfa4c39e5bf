package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/serving/pkg/apis/serving"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// State is what the cluster says of one function at one time.
type State struct {
	// Service is nil where there is none.
	Service *servingv1.Service
	// Revisions are the newest first.
	Revisions []servingv1.Revision
	// Pods are those of any of Revisions, the oldest first.
	Pods []corev1.Pod
	// Events are those about Pods, the oldest first.
	Events []corev1.Event
}

// The sources of a State, in the order that stateOf reads them.
func sourcesOf(name string) []source {
	ofName := func(o *unstructured.Unstructured) bool { return o.GetName() == name }
	aboutIt := func(o *unstructured.Unstructured) bool {
		about, _, _ := unstructured.NestedString(o.Object, "involvedObject", "name")
		return strings.HasPrefix(about, name+"-")
	}
	return []source{
		{resource: services, options: metav1.ListOptions{FieldSelector: "metadata.name=" + name}, keep: ofName},
		{resource: revisions, options: ofFunction(name)},
		{resource: pods, options: ofFunction(name)},
		{resource: events, options: metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod"}, keep: aboutIt, spare: true},
	}
}

// stateOf reads what the sources hold.
func stateOf(all []held) (State, error) {
	var s State
	for _, o := range all[0] {
		s.Service = &servingv1.Service{}
		if err := read(o, s.Service); err != nil {
			return s, err
		}
	}
	var err error
	if s.Revisions, err = readAll[servingv1.Revision](all[1]); err != nil {
		return s, err
	}
	if s.Pods, err = readAll[corev1.Pod](all[2]); err != nil {
		return s, err
	}
	if s.Events, err = readAll[corev1.Event](all[3]); err != nil {
		return s, err
	}
	s.sort()
	return s, nil
}

func (s *State) sort() {
	slices.SortFunc(s.Revisions, func(a, b servingv1.Revision) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(b.Name, a.Name))
	})
	slices.SortFunc(s.Pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(s.Events, func(a, b corev1.Event) int {
		return cmp.Or(eventTime(a).Compare(eventTime(b).Time), cmp.Compare(a.Name, b.Name))
	})
}

// eventTime is when an event was last seen; the newer API fills another field.
func eventTime(e corev1.Event) metav1.Time {
	if !e.LastTimestamp.IsZero() {
		return e.LastTimestamp
	}
	return metav1.Time{Time: e.EventTime.Time}
}

func readAll[T any](all held) ([]T, error) {
	var list []T
	for _, o := range all {
		var one T
		if err := read(o, &one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func read(o *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
		return fmt.Errorf("reading %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// newest is the revision that was made last, empty where none was.
func (s State) newest() string {
	if s.Service == nil {
		return ""
	}
	return s.Service.Status.LatestCreatedRevisionName
}

func (s State) revision(name string) *servingv1.Revision {
	for i := range s.Revisions {
		if s.Revisions[i].Name == name {
			return &s.Revisions[i]
		}
	}
	return nil
}

// podsOf are the revision's that are not ending.
func (s State) podsOf(revision string) []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(s.Pods), func(p corev1.Pod) bool {
		return p.Labels[serving.RevisionLabelKey] != revision || p.DeletionTimestamp != nil
	})
}

// event is the newest about the pod that is one of the reasons.
func (s State) event(pod string, reasons ...string) (corev1.Event, bool) {
	for _, e := range slices.Backward(s.Events) {
		if e.InvolvedObject.Name == pod && slices.Contains(reasons, e.Reason) {
			return e, true
		}
	}
	return corev1.Event{}, false
}

// observed says that Knative has looked at the Service since it was last changed.
func (s State) observed() bool {
	return s.Service != nil && s.Service.Status.ObservedGeneration == s.Service.Generation
}

// ready says that the function serves what was last applied, or will from zero.
func (s State) ready() bool { return s.Service != nil && s.Service.IsReady() }

// Serving tells the split that holds, for example "eye-00001 90%, eye-00002 10%"; empty
// where nothing serves.
func (s State) Serving() string {
	if s.Service == nil {
		return ""
	}
	var parts []string
	for _, t := range s.Service.Status.Traffic {
		if t.Percent != nil && *t.Percent > 0 {
			parts = append(parts, fmt.Sprintf("%s %d%%", t.RevisionName, *t.Percent))
		}
	}
	return strings.Join(parts, ", ")
}

func isReady(p corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
