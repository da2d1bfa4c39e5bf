// Package sourcestest is a small gateway for the tests of sources: it takes events as
// a test tells it to, and keeps what it took and what the hooks heard, so that a test
// can wait for either. It receives events and hands them to the test; it runs nothing.
package sourcestest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// Patience is how long a test waits for what must come; it fails then.
const Patience = 30 * time.Second

// JPEG is a picture as far as a source looks, told from others by what is added.
func JPEG(what string) []byte { return []byte("\xff\xd8\xff\xe0" + what) }

// Gateway takes events.
type Gateway struct {
	// Answer says what becomes of an event that is offered for the n'th time (from 1).
	// nil takes all.
	Answer func(ctx context.Context, e events.Event, n int) error

	mu       sync.Mutex
	changed  chan struct{}
	offered  map[string]int
	taken    []events.Event
	refusals []intake.Refusal
	changes  []intake.Change
}

// New makes a gateway.
func New() *Gateway {
	return &Gateway{changed: make(chan struct{}), offered: map[string]int{}}
}

// Take is the gateway's Take.
func (g *Gateway) Take(ctx context.Context, e events.Event) error {
	key := e.Source + " " + e.ID
	g.mu.Lock()
	g.offered[key]++
	n := g.offered[key]
	g.wake()
	g.mu.Unlock()
	if g.Answer != nil {
		if err := g.Answer(ctx, e, n); err != nil {
			return err
		}
	}
	e.Data = slices.Clone(e.Data)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = append(g.taken, e)
	g.wake()
	return nil
}

// Hooks note what they hear.
func (g *Gateway) Hooks() intake.Hooks {
	return intake.Hooks{
		Refused: func(r intake.Refusal) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.refusals = append(g.refusals, r)
			g.wake()
		},
		Changed: func(c intake.Change) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.changes = append(g.changes, c)
			g.wake()
		},
	}
}

func (g *Gateway) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// Seen is what a gateway has seen so far.
type Seen struct {
	Taken    []events.Event
	Refusals []intake.Refusal
	Changes  []intake.Change
	// Offers counts offers of each event, by source and id with a space between.
	Offers map[string]int
}

// Distinct counts events taken, doubles once.
func (s Seen) Distinct() int {
	ids := map[string]bool{}
	for _, e := range s.Taken {
		ids[e.Source+" "+e.ID] = true
	}
	return len(ids)
}

// Until waits until enough has been seen.
func (g *Gateway) Until(t *testing.T, enough func(Seen) bool) Seen {
	t.Helper()
	limit := time.After(Patience)
	for {
		g.mu.Lock()
		seen := Seen{slices.Clone(g.taken), slices.Clone(g.refusals), slices.Clone(g.changes), map[string]int{}}
		for key, n := range g.offered {
			seen.Offers[key] = n
		}
		changed := g.changed
		g.mu.Unlock()
		if enough(seen) {
			return seen
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("waited in vain; taken %d, refused %+v, changes %+v", len(seen.Taken), seen.Refusals, seen.Changes)
		}
	}
}

// Taken waits until n events have been taken.
func (g *Gateway) Taken(t *testing.T, n int) []events.Event {
	t.Helper()
	return g.Until(t, func(s Seen) bool { return len(s.Taken) >= n }).Taken
}

// Refused waits until n messages have been refused.
func (g *Gateway) Refused(t *testing.T, n int) []intake.Refusal {
	t.Helper()
	return g.Until(t, func(s Seen) bool { return len(s.Refusals) >= n }).Refusals
}

// Failing waits until the hook has heard of a failure.
func (g *Gateway) Failing(t *testing.T) {
	t.Helper()
	g.Until(t, func(s Seen) bool {
		return slices.ContainsFunc(s.Changes, func(c intake.Change) bool { return c.State != intake.Connected })
	})
}

// Busy is a failure that passes, soon.
func Busy() error {
	return &functions.Error{Kind: functions.Busy, Detail: "come again", RetryAfter: 20 * time.Millisecond}
}

// Runner is a source.
type Runner interface {
	Run(ctx context.Context, take intake.Take) error
}

// Run runs a source until stop is called, or the test ends; stop waits until it has
// ended, which must be without an error.
func Run(t *testing.T, source Runner, g *Gateway) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx, g.Take) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the source ended with %v", err)
			}
		case <-time.After(Patience):
			t.Error("the source does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}
