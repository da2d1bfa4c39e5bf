package stories

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Start is when the stages of a pod's start were seen, each zero until it was. Watching
// is finer than what Kubernetes writes down, which is whole seconds.
type Start struct {
	Pod, IP, Service                              string
	Created, Scheduled, Sandbox, Container, Ready time.Time
}

// Starts watches pods start.
type Starts struct {
	mu   sync.Mutex
	pods map[types.UID]*Start
	stop func()
	done chan struct{}
}

// watchStarts follows the pods of the story that come from now on.
func (s *Story) watchStarts() *Starts {
	s.Helper()
	there, err := s.Kube.CoreV1().Pods(s.Space).List(s.Context(), metav1.ListOptions{})
	if err != nil {
		s.Fatal(err)
	}
	w, err := s.Kube.CoreV1().Pods(s.Space).Watch(s.Context(), metav1.ListOptions{ResourceVersion: there.ResourceVersion})
	if err != nil {
		s.Fatal(err)
	}
	starts := &Starts{pods: map[types.UID]*Start{}, stop: w.Stop, done: make(chan struct{})}
	for _, pod := range there.Items {
		starts.pods[pod.UID] = nil // it was there before
	}
	go func() { // ends with the watch, which end stops
		defer close(starts.done)
		for event := range w.ResultChan() {
			if pod, is := event.Object.(*corev1.Pod); is && event.Type != watch.Deleted {
				starts.see(pod, time.Now())
			}
		}
	}()
	return starts
}

func (s *Starts) see(pod *corev1.Pod, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start, known := s.pods[pod.UID]
	switch {
	case known && start == nil:
		return
	case !known:
		start = &Start{Pod: pod.Name, Service: pod.Labels["serving.knative.dev/service"], Created: now}
		s.pods[pod.UID] = start
	}
	start.IP = pod.Status.PodIP
	for _, c := range pod.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case corev1.PodScheduled:
			first(&start.Scheduled, now)
		case "PodReadyToStartContainers":
			first(&start.Sandbox, now)
		case corev1.PodReady:
			first(&start.Ready, now)
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name != "queue-proxy" && c.State.Running != nil {
			first(&start.Container, now)
		}
	}
}

func first(at *time.Time, now time.Time) {
	if at.IsZero() {
		*at = now
	}
}

// of are the starts of a service's pods so far.
func (s *Starts) of(service string) []Start {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Start
	for _, start := range s.pods {
		if start != nil && start.Service == service {
			all = append(all, *start)
		}
	}
	return all
}

// end stops watching.
func (s *Starts) end() {
	s.stop()
	<-s.done
}
