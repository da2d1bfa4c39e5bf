package stories

import (
	"bufio"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Start is when the first stages of a pod's start were seen, each zero until it was.
// Watching is finer than what Kubernetes writes down, which is whole seconds.
type Start struct {
	Pod, IP, Service   string
	Created, Scheduled time.Time
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
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			first(&start.Scheduled, now)
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

// Container is when a container's program was started on this node.
type Container struct {
	Image string
	At    time.Time
}

// Containers are those that containerd starts; the kubelet tells of them later, and of
// several at once.
type Containers struct {
	mu   sync.Mutex
	all  []Container
	stop func()
	done chan struct{}
}

// watchContainers follows the containers of this node from now on.
func (s *Story) watchContainers() *Containers {
	s.Helper()
	ctx, stop := context.WithCancel(s.Context())
	events := s.command(ctx, "ctr", "-n", "k8s.io", "events")
	lines, err := events.StdoutPipe()
	if err == nil {
		err = events.Start()
	}
	if err != nil {
		stop()
		s.Fatalf("watching containers: %v", err)
	}
	c := &Containers{stop: stop, done: make(chan struct{})}
	go func() { // ends with ctr, which end stops
		defer close(c.done)
		images := map[string]string{}
		for scanner := bufio.NewScanner(lines); scanner.Scan(); {
			c.read(scanner.Text(), images)
		}
		_ = events.Wait() // it was stopped
	}()
	return c
}

// read takes what it knows of a line: DATE TIME ZONE ZONE NAMESPACE TOPIC JSON.
func (c *Containers) read(line string, images map[string]string) {
	fields := strings.SplitN(line, " ", 7)
	if len(fields) < 7 {
		return
	}
	var event struct {
		ID, Image string
		Container string `json:"container_id"`
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999999 -0700 MST", strings.Join(fields[:4], " "))
	if err != nil || json.Unmarshal([]byte(fields[6]), &event) != nil {
		return
	}
	switch fields[5] {
	case "/containers/create":
		images[event.ID] = event.Image
	case "/tasks/start":
		c.mu.Lock()
		defer c.mu.Unlock()
		c.all = append(c.all, Container{images[event.Container], at})
	}
}

// between are the first sandbox that was started in that time, and the last program of
// the service's own; init containers come before.
func (c *Containers) between(from, to time.Time) (sandbox, program time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, started := range c.all {
		if started.At.Before(from) || started.At.After(to) {
			continue
		}
		switch started.Image {
		case "dev.local/pause:1":
			first(&sandbox, started.At)
		case "dev.local/serving-queue:1":
		default:
			program = started.At
		}
	}
	return sandbox, program
}

// end stops watching.
func (c *Containers) end() {
	c.stop()
	<-c.done
}
