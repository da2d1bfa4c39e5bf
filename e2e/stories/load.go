package stories

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Tally is what came back of many requests.
type Tally []Answer

// together sends n requests at the same moment and waits for all.
func (c Caller) together(ctx context.Context, n int) Tally {
	answers := make(Tally, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { answers[i] = c.detect(ctx) })
	}
	group.Wait()
	return answers
}

// Stream is requests that come at their times whether or not the ones before are
// answered, as users do.
type Stream struct {
	done    chan struct{}
	stop    context.CancelFunc
	mu      sync.Mutex
	answers Tally
}

// stream sends requests of the given rate, in requests a second since the beginning,
// until it is stopped.
func (c Caller) stream(ctx context.Context, rate func(since time.Duration) float64) *Stream {
	going, stop := context.WithCancel(ctx)
	s := &Stream{done: make(chan struct{}), stop: stop}
	go func() { // ends by stop, which finish waits for
		defer close(s.done)
		var group sync.WaitGroup
		defer group.Wait()
		began := time.Now()
		for next := began; ; {
			next = next.Add(time.Duration(float64(time.Second) / rate(next.Sub(began))))
			select {
			case <-going.Done():
				return
			case <-time.After(time.Until(next)):
			}
			group.Go(func() {
				a := c.detect(ctx) // what was sent is waited for
				s.mu.Lock()
				defer s.mu.Unlock()
				s.answers = append(s.answers, a)
			})
		}
	}()
	return s
}

// steady is a rate that stays.
func steady(perSecond float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return perSecond }
}

// answered is how many requests have been answered by now.
func (s *Stream) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

// finish sends no more, and is what came back of all.
func (s *Stream) finish() Tally {
	s.stop()
	<-s.done
	return s.answers
}

// lost are the requests that were not answered with detections.
func (t Tally) lost() Tally {
	return slices.DeleteFunc(slices.Clone(t), Answer.ok)
}

// revisions is how many answers each revision gave.
func (t Tally) revisions() map[string]int {
	by := map[string]int{}
	for _, a := range t {
		if a.ok() {
			by[a.Revision]++
		}
	}
	return by
}

func (t Tally) took() []time.Duration {
	var took []time.Duration
	for _, a := range t {
		if a.ok() {
			took = append(took, a.Took)
		}
	}
	return took
}

// none lost: every request was answered.
func (s *Story) noneLost(t Tally) {
	s.Helper()
	lost := t.lost()
	if len(t) == 0 {
		s.Error("no request was sent")
	}
	for i, a := range lost {
		if i == 5 {
			s.Errorf("and %d more", len(lost)-i)
			break
		}
		s.Errorf("lost, sent at %s: %s", a.At.Format("15:04:05.000"), a)
	}
}

func (t Tally) String() string {
	by := t.revisions()
	text := fmt.Sprintf("%d of %d answered", len(t)-len(t.lost()), len(t))
	if took := t.took(); len(took) > 0 {
		text += fmt.Sprintf(", p50 %s, p99 %s, slowest %s", short(at(took, .5)), short(at(took, .99)), short(at(took, 1)))
	}
	for _, revision := range slices.Sorted(maps.Keys(by)) {
		text += fmt.Sprintf(", %s %d", revision, by[revision])
	}
	return text
}
