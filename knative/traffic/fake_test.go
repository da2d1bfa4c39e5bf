package traffic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// cluster is a function on a cluster that does as Knative does: a split that is asked for
// holds when the revisions it names are ready.
type cluster struct {
	t *testing.T

	mu      sync.Mutex
	state   State
	version int
	away    int    // that many calls fail
	changed []int  // the canary's percentage by change
	canary  string // whose percentage that is
	onRead  func(c *cluster)
	calls   []string // of Pods
}

// two is a cluster whose function has an old revision with all requests and a new one.
func two(t *testing.T) *cluster {
	return &cluster{t: t, canary: "eye-00002", version: 1, state: State{
		Function: "eye", Namespace: "vision", LatestCreated: "eye-00002", LatestReady: "eye-00002",
		Wanted:      []Target{{Revision: "eye-00001", Percent: 100}},
		Targets:     []Target{{Revision: "eye-00001", Percent: 100}},
		Annotations: map[string]string{},
		Revisions: []Revision{
			{Name: "eye-00002", Ready: true, Pods: 1, ReadyPods: 1, WantedPods: 1},
			{Name: "eye-00001", Ready: true, Pods: 1, ReadyPods: 1, WantedPods: 1},
		},
	}}
}

func (c *cluster) fail() error {
	if c.away > 0 {
		c.away--
		return fmt.Errorf("connection refused")
	}
	return nil
}

func (c *cluster) Traffic(_ context.Context, function string) (State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail(); err != nil {
		return State{}, err
	}
	if function != c.state.Function {
		return State{}, functions.Errorf(functions.NotFound, "no function is named %s", function)
	}
	if c.onRead != nil {
		c.onRead(c)
	}
	s := c.state
	s.Version = strconv.Itoa(c.version)
	s.Wanted, s.Targets, s.Revisions = slices.Clone(s.Wanted), slices.Clone(s.Targets), slices.Clone(s.Revisions)
	s.Annotations = maps.Clone(s.Annotations)
	return s, nil
}

func (c *cluster) Change(_ context.Context, _ string, change Change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail(); err != nil {
		return err
	}
	if change.Version != strconv.Itoa(c.version) {
		return ErrChanged
	}
	c.version++
	if change.Targets != nil {
		if err := Check(change.Targets); err != nil {
			c.t.Errorf("the split %+v: %v", change.Targets, err)
		}
		c.state.Wanted = change.Targets
		c.state.Targets = nil
		for _, t := range change.Targets {
			if t.Latest {
				t.Revision = c.state.LatestReady
			}
			c.state.Targets = append(c.state.Targets, t)
		}
		c.changed = append(c.changed, c.state.Percent(c.canary))
	}
	for name, value := range change.Annotations {
		if value == "" {
			delete(c.state.Annotations, name)
		} else {
			c.state.Annotations[name] = value
		}
	}
	return nil
}

func (c *cluster) call(call string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.fail(); err != nil {
		return err
	}
	c.calls = append(c.calls, call)
	return nil
}

func (c *cluster) Rest(_ context.Context, _, revision string) error {
	return c.call("rest " + revision)
}

func (c *cluster) Rouse(_ context.Context, _, revision string) error {
	return c.call("rouse " + revision)
}

func (c *cluster) Renew(_ context.Context, _, attempt string) error {
	return c.call("renew " + attempt)
}

// revision is the one of that name, to be changed under the lock.
func (c *cluster) revision(name string) *Revision {
	i := slices.IndexFunc(c.state.Revisions, func(r Revision) bool { return r.Name == name })
	if i < 0 {
		c.t.Fatalf("no revision %s", name)
	}
	return &c.state.Revisions[i]
}

// rollout is what the Service says of it.
func (c *cluster) rollout() Rollout {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, is := c.state.Rollout()
	if !is {
		c.t.Fatalf("no rollout is written: %q", c.state.Annotations)
	}
	return r
}

// meter is one gateway that sees rate requests a second, shared as the split says.
type meter struct {
	*cluster
	rate  float64
	slow  map[string]float64 // seconds an answer takes by revision; 0.1 where nothing is said
	fails map[string]float64 // the share that fails
	deaf  bool

	mu    sync.Mutex
	at    time.Time
	total map[string]Counts
}

func (m *meter) Samples(context.Context, string) (map[string]Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaf {
		return nil, fmt.Errorf("no gateway")
	}
	if m.total == nil {
		m.total, m.at = map[string]Counts{}, time.Now()
	}
	passed := time.Since(m.at).Seconds()
	m.at = time.Now()
	m.cluster.mu.Lock()
	s := m.state
	m.cluster.mu.Unlock()
	for _, r := range s.Revisions {
		n := m.rate * passed * float64(s.Percent(r.Name)) / 100
		failed := uint64(n * m.fails[r.Name])
		took := m.slow[r.Name]
		if took == 0 {
			took = 0.1
		}
		m.total[r.Name] = m.total[r.Name].plus(some(uint64(n)-failed, failed, took))
	}
	return map[string]Sample{"gateway-a": Sample(maps.Clone(m.total))}, nil
}

var someBounds = []float64{0.05, 0.1, 0.2, 0.4, 0.8, 1.6}

// some are n answers that took so many seconds, and failures.
func some(n, failed uint64, took float64) Counts {
	h := Histogram{Bounds: someBounds, Cumulative: make([]uint64, len(someBounds))}
	for i, bound := range someBounds {
		if took <= bound {
			h.Cumulative[i] = n
		}
	}
	return Counts{OK: n, Failed: failed, Warm: h}
}

// told collects lines.
type told struct {
	mu    sync.Mutex
	lines []string
}

func (t *told) tell(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
}

func (t *told) has(part string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(strings.Join(t.lines, "\n"), part)
}
