// Package simulate runs one function's scaling policy against a trace of arrivals in
// virtual time: a discrete-event simulation.
//
// It receives a [Config]: arrivals, how long a request and a start take, how many
// requests an instance takes at a time, how large the cluster is, and the policy,
// which is the very one that a live platform runs. It hands on a [Result]: who waited
// how long, and what the instances spent their time on. The same Config gives the
// same Result. It refuses traces that go back in time and sizes that mean nothing.
//
// What is left out: requests do not fail and have no deadline, starts do not fail, a
// request's service time does not depend on its neighbours in the instance, and the
// network takes no time.
package simulate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed45885407/saccade/knative/scaling"
)

// Config is one run.
type Config struct {
	// Policy makes the policy; it is told the time at which the run begins.
	Policy func(now time.Time) scaling.Policy
	// Arrivals are the requests, as times since the beginning, never falling.
	Arrivals []time.Duration
	// Service is how long an instance is busy with one request.
	Service Distribution
	// Load is how long an instance takes from its start until it is ready.
	Load Distribution
	// ContainerConcurrency is the most requests at a time in one instance, 1 or more.
	ContainerConcurrency int
	// Capacity bounds the instances that the cluster can hold, those that finish their
	// last requests included. 0: no bound.
	Capacity int
	// For is how long the run is measured. Requests that still wait then are served to
	// the end, so that their waits count; instance time after it does not.
	For time.Duration
	// Seed is for Service and Load. Request n takes as long under every policy.
	Seed uint64
	// Why, if not nil, is told every decision that changes the number wanted.
	Why func(at time.Duration, wanted int, reason scaling.Reason)
}

// longestTail is how long after For requests may wait before the run gives up.
const longestTail = 24 * time.Hour

func (c Config) check() error {
	switch {
	case c.Policy == nil, c.Service == nil, c.Load == nil:
		return errors.New("simulating without a policy, a service time or a load time")
	case c.ContainerConcurrency < 1 || c.Capacity < 0 || c.For <= 0:
		return fmt.Errorf("simulating %d requests in an instance, %d instances, for %v", c.ContainerConcurrency, c.Capacity, c.For)
	case !slices.IsSorted(c.Arrivals):
		return errors.New("simulating arrivals that go back in time")
	case len(c.Arrivals) > 0 && (c.Arrivals[0] < 0 || c.Arrivals[len(c.Arrivals)-1] > c.For):
		return fmt.Errorf("simulating arrivals from %v to %v in a run from 0 to %v", c.Arrivals[0], c.Arrivals[len(c.Arrivals)-1], c.For)
	}
	return nil
}

// Run simulates c to its end.
func Run(c Config) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	s := &simulation{
		Config:  c,
		began:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		service: rand.New(rand.NewPCG(c.Seed, 1)),
		load:    rand.New(rand.NewPCG(c.Seed, 2)),
		waits:   make([]time.Duration, 0, len(c.Arrivals)),
		tick:    scaling.Tick,
	}
	s.policy = c.Policy(s.began)
	s.decide() // what is wanted when nothing has happened: minScale
	if err := s.run(); err != nil {
		return Result{}, err
	}
	return s.result(), nil
}

// simulation is a run under way. Instances and requests are numbers: the instance's
// in the order of starts, the request's in the order of arrivals.
type simulation struct {
	Config
	policy        scaling.Policy
	began         time.Time
	service, load *rand.Rand

	now     time.Duration
	events  events
	arrived int           // how many of Arrivals are past
	tick    time.Duration // when the policy is asked next
	resting bool          // the answer stays until tick

	wanted int
	cluster
	waiting queue
	waits   []time.Duration
	handled int
}

func (s *simulation) run() error {
	for {
		next, what := s.next()
		switch {
		case what == nothing:
			s.spend(s.For - min(s.now, s.For))
			return nil
		case next > s.For+longestTail:
			return fmt.Errorf("simulating: %d requests still wait %v after the end", s.waiting.len(), longestTail)
		}
		s.spend(min(next, s.For) - min(s.now, s.For))
		s.now = next
		s.handled++
		switch what {
		case anArrival:
			s.arrive()
		case anEvent:
			s.happen(s.events.pop())
		case aTick:
			s.tick += scaling.Tick
			s.decide()
		}
	}
}

type turn int

const (
	nothing turn = iota
	anArrival
	anEvent
	aTick
)

// next is what comes next. Of what comes at the same time, ends of requests and
// starts go before arrivals, and both before the question how many are wanted.
func (s *simulation) next() (at time.Duration, what turn) {
	if s.arrived < len(s.Arrivals) {
		at, what = s.Arrivals[s.arrived], anArrival
	}
	if event, ok := s.events.peek(); ok && (what == nothing || event.at <= at) {
		at, what = event.at, anEvent
	}
	// After the end the policy is asked while somebody waits or is served.
	asking := s.tick <= s.For || !s.resting && (what != nothing || s.waiting.len() > 0)
	if asking && (what == nothing || s.tick < at) {
		at, what = s.tick, aTick
	}
	return at, what
}

func (s *simulation) arrive() {
	s.waiting.push(s.now, s.Service(s.service))
	s.arrived++
	urgent := s.tell(scaling.Arrived, -1, 0)
	s.dispatch()
	if urgent {
		s.decide()
	}
}

func (s *simulation) happen(e event) {
	switch i := s.instances[e.instance]; e.what {
	case loaded:
		s.becomeReady(i, s.now)
		s.tell(scaling.Ready, e.instance, s.now-i.started)
		s.reconcile() // fewer may be wanted by now; a loading one is never the one to go
		s.dispatch()
	case served:
		s.release(i)
		s.tell(scaling.Left, -1, e.took)
		s.reconcile() // a drained one may make place for one that is wanted
		s.dispatch()
	}
}

// tell tells the policy, and ends its rest: it is asked again at the next tick.
func (s *simulation) tell(what scaling.What, instance int, took time.Duration) (urgent bool) {
	if s.resting {
		s.resting = false
		s.tick = nextTick(s.now)
	}
	return s.policy.Tell(scaling.Event{What: what, At: s.began.Add(s.now), Instance: instance, Took: took})
}

func (s *simulation) decide() {
	d := s.policy.Decide(s.began.Add(s.now))
	if d.Instances != s.wanted && s.Why != nil {
		s.Why(s.now, d.Instances, d.Reason)
	}
	s.wanted = d.Instances
	s.reconcile()
	if d.Rest > 0 && !s.resting {
		rest := min(d.Rest, 2*longestTail+s.For)
		s.resting = true
		s.tick = max(s.tick, nextTick(s.now+rest))
	} else if d.Rest == 0 {
		s.resting = false
	}
}

// nextTick is the first tick at or after a time.
func nextTick(at time.Duration) time.Duration {
	return (at + scaling.Tick - 1).Truncate(scaling.Tick)
}

// reconcile starts what is missing and lets the newest ready ones go.
func (s *simulation) reconcile() {
	for s.living() < s.wanted && (s.Capacity == 0 || s.present() < s.Capacity) {
		i := s.start(s.now)
		s.tell(scaling.Starting, i.number, 0)
		s.events.push(event{at: s.now + s.Load(s.load), what: loaded, instance: i.number})
	}
	for s.living() > s.wanted && s.ready > 0 {
		s.tell(scaling.Ended, s.retire().number, 0)
	}
}

// dispatch gives waiting requests to instances, first come, first served; of the
// instances with room the oldest.
func (s *simulation) dispatch() {
	for s.waiting.len() > 0 {
		i := s.withRoom(s.ContainerConcurrency)
		if i == nil {
			return
		}
		r := s.waiting.pop()
		s.take(i)
		s.waits = append(s.waits, s.now-r.arrived)
		if i.coldFor(r.arrived) {
			s.cold++
		}
		s.events.push(event{at: s.now + r.takes, what: served, instance: i.number, took: r.takes})
	}
}
