package simulate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/knative/scaling"
)

// forever is later than anything happens.
const forever = time.Duration(math.MaxInt64)

// simulation is one function's run under way.
type simulation struct {
	Config
	policy        scaling.Policy
	began         time.Time
	service, load *rand.PCG
	failures      *rand.Rand

	now      time.Duration
	events   events
	sharing  *sharing // nil: requests run by themselves
	arrivals traces.Stream
	arrival  time.Duration // the next one; forever: none
	tick     time.Duration // when the policy is asked next
	resting  bool          // the answer stays until tick
	idleFrom time.Duration // when the last request was over, or the last start

	begun  bool
	wanted int
	pool
	binds    bool        // the policy's requests share no queue
	starting []*instance // that no request is bound to, the oldest first
	bound    int         // requests that wait for an instance of their own
	waiting  queue

	series      *series
	seen        spending // of pool.spent, what series has had
	waits       times
	latency     times
	coldLatency times
	bill        bill
	counts      counts
	handled     int64
	scarce      bool // instances need a node's place
	inTheWay    bool // requests of other functions may wait for this one's place
	asked       []placing
}

// counts are the Result's rarer ones.
type counts struct {
	refused, retried, failedStarts, lost, withdrawn, pulls int64
	pending                                                time.Duration
}

func newSimulation(c Config, into *series) *simulation {
	s := &simulation{
		Config:   c,
		began:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		service:  rand.NewPCG(c.Seed, 1),
		load:     rand.NewPCG(c.Seed, 2),
		failures: rand.New(rand.NewPCG(c.Seed, 7)),
		tick:     scaling.Tick,
		series:   into,
	}
	if s.arrivals = traces.Of(c.Arrivals); c.Stream != nil {
		s.arrivals = c.Stream()
	}
	if len(c.Pace) > 0 && !c.Apart {
		s.sharing = &sharing{pace: c.Pace, together: c.Together}
	}
	s.policy = c.Policy(s.began)
	if binder, ok := s.policy.(scaling.Binder); ok {
		s.binds = binder.Binds()
	}
	return s
}

// run goes on until nothing happens before a time.
func (s *simulation) run(until time.Duration) error {
	if !s.begun {
		s.begun = true
		if err := s.upcoming(); err != nil {
			return err
		}
		s.decide() // what is wanted when nothing has happened: minScale
	}
	for {
		next, what := s.next()
		switch {
		case next >= until:
			return nil
		case next > s.For+longestTail:
			return fmt.Errorf("simulating: %d requests still wait %v after the end", s.waiting.len(), longestTail)
		}
		s.pass(next)
		s.handled++
		switch what {
		case anArrival:
			s.arrive()
			if err := s.upcoming(); err != nil {
				return err
			}
		case anEvent:
			s.happen(s.events.pop())
		case anEnd:
			s.happen(s.sharing.end(s.now))
		case aTick:
			s.tick += scaling.Tick
			s.decide()
		}
	}
}

// pass lets time pass until next, and has the series told of each of its steps.
func (s *simulation) pass(next time.Duration) {
	for end := min(next, s.For); s.now < end; {
		to := min(end, s.series.end(s.now))
		s.spend(to-s.now, s.waiting.len()+s.bound)
		if s.series != nil && to == s.series.end(s.now) {
			s.series.spend(s.now, s.spent, s.seen)
			s.seen = s.spent
		}
		s.now = to
	}
	s.now = next
}

// upcoming looks at the next arrival.
func (s *simulation) upcoming() error {
	at, more := s.arrivals.Next()
	switch {
	case !more || at > s.For:
		s.arrival = forever
	case at < s.arrival:
		return errors.New("simulating arrivals that go back in time")
	default:
		s.arrival = at
	}
	return nil
}

// stayAwake says whether the policy is to be asked after the end although nobody waits
// here, from a time on.
func (s *simulation) stayAwake(yes bool, from time.Duration) {
	if yes && !s.inTheWay {
		s.tick = max(s.tick, nextTick(from))
	}
	s.inTheWay = yes
}

type turn int

const (
	nothing turn = iota
	anArrival
	anEvent
	anEnd // of a request that shared
	aTick
)

// next is what comes next, forever if nothing does. Of what comes at the same time, ends
// of requests and starts go before arrivals, and both before the question how many are
// wanted.
func (s *simulation) next() (at time.Duration, what turn) {
	at = forever
	if s.arrival < forever {
		at, what = s.arrival, anArrival
	}
	if len(s.events.heap) > 0 && s.events.heap[0].at <= at {
		at, what = s.events.heap[0].at, anEvent
	}
	if s.sharing != nil {
		if end := s.sharing.next(); end < at || end == at && what == anArrival {
			at, what = end, anEnd
		}
	}
	// After the end the policy is asked while somebody waits or is served.
	asking := s.tick <= s.For || !s.resting && (what != nothing || s.waiting.len() > 0) ||
		s.inTheWay && (!s.resting || s.tick <= s.For+longestTail)
	if asking && s.tick < at {
		at, what = s.tick, aTick
	}
	return at, what
}

func (s *simulation) arrive() {
	if s.series != nil {
		s.series.count(s.now).Arrivals++
	}
	takes := s.takes()
	if s.MostRequests > 0 && s.waiting.len()+s.bound+s.requests >= s.MostRequests {
		s.counts.refused++
		return
	}
	s.waiting.push(request{s.now, takes})
	urgent := s.tell(scaling.Arrived, -1, 0)
	s.dispatch()
	if urgent {
		s.decide()
		s.dispatch() // to what was started for it
	}
}

// takes is how long the next request will take by itself.
func (s *simulation) takes() time.Duration {
	if !s.Rested.IsZero() && s.requests+s.loading+s.waiting.len() == 0 && s.now-s.idleFrom >= RestedAfter {
		return s.Rested.draw(s.service)
	}
	return s.Service.draw(s.service)
}

func (s *simulation) happen(e event) {
	i := e.instance
	if e.what == news {
		s.dispatch()
		return
	}
	if i.state == gone {
		return // it went another way before
	}
	if e.what == served && i.sharing != nil && e.round != i.round {
		return // others came to it, or left, since that was foreseen
	}
	if e.what != computes {
		s.idleFrom = s.now
	}
	switch e.what {
	case computes:
		s.sharing.begin(s.now, event{what: i.ends(), instance: i, request: request{takes: i.takes - (s.now - i.started)}})
		return
	case loaded:
		if s.warmsUp(i) {
			return
		}
		i.takes = s.now - i.started // others may have slowed it
		s.becomeReady(i, s.now)
		s.bill.ready(i)
		if s.Failures.Life > 0 {
			if end := s.now + time.Duration(s.failures.ExpFloat64()*float64(s.Failures.Life)); end > s.now && end <= s.For {
				s.events.push(event{at: end, what: died, instance: i})
			}
		}
		if i.waitedFor {
			s.bound--
			s.serve(i, i.bound)
		}
		// Fewer may be wanted by now: a loading one is never the one to go.
		s.heed(s.tell(scaling.Ready, i.number, s.now-i.started))
	case failed, died:
		s.lose(i)
	case served:
		if i.sharing != nil {
			e = i.sharing.end(s.now)
			s.foresee(i)
		}
		s.answer(i, e.request)
		if s.release(i) {
			s.leave(i)
		}
		// A drained one may make place for one that is wanted.
		s.heed(s.tell(scaling.Left, -1, e.takes))
	}
	s.dispatch()
}

// tell tells the policy, and ends its rest: it is asked again at the next tick.
func (s *simulation) tell(what scaling.What, instance int, took time.Duration) (urgent bool) {
	if s.resting {
		s.resting = false
		s.tick = nextTick(s.now)
	}
	return s.policy.Tell(scaling.Event{What: what, At: s.began.Add(s.now), Instance: instance, Took: took})
}

// heed asks the policy at once where it finds that urgent, and sees to it anyway that as
// many are there as are wanted.
func (s *simulation) heed(urgent bool) {
	if urgent {
		s.decide()
		return
	}
	s.reconcile()
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
