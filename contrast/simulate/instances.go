package simulate

import (
	"time"

	"github.com/seed45885407/saccade/knative/scaling"
)

// placing is what an instance asks of the nodes, or gives back.
type placing struct {
	at       time.Duration
	instance *instance
	leaves   bool
}

// reconcile starts what is missing and lets the newest ready ones go.
func (s *simulation) reconcile() {
	for s.living() < s.wanted && (s.Capacity == 0 || s.present() < s.Capacity) {
		s.another()
	}
	for s.living() > s.wanted {
		i := s.retire()
		if i == nil {
			return
		}
		if i.state == gone {
			s.leave(i)
		}
		s.tell(scaling.Ended, i.number, 0)
	}
}

// another starts an instance; where nodes are scarce they say when it can load.
func (s *simulation) another() {
	i := s.start(s.now)
	i.provisioned = s.living() <= s.Provisioned
	if s.binds {
		s.starting = append(s.starting, i)
	}
	if s.series != nil {
		s.series.count(s.now).Starts++
	}
	i.takes = s.Load.draw(s.load)
	if !s.Pull.IsZero() {
		i.pull = s.Pull.draw(s.load)
	}
	i.fails = s.Failures.Starts > 0 && s.failures.Float64() < s.Failures.Starts
	s.tell(scaling.Starting, i.number, 0)
	if s.scarce {
		i.takes = max(i.takes, leastWindow)
		s.asked = append(s.asked, placing{at: s.now, instance: i})
	} else {
		s.loadFrom(i, s.now, i.takes)
	}
}

// loadFrom foresees the end of a start that begins at a time.
func (s *simulation) loadFrom(i *instance, at, takes time.Duration) {
	if s.InitTimeout > 0 && takes > s.InitTimeout && !i.provisioned {
		takes += s.InitTimeout
	}
	i.takes = takes
	if s.sharing != nil && !s.scarce && s.Computes > 0 {
		s.events.push(event{at: at + time.Duration((1-s.Computes)*float64(takes)), what: computes, instance: i})
		return
	}
	s.events.push(event{at: at + takes, what: i.ends(), instance: i})
}

// warmsUp has an instance that has loaded run once by itself before it is ready, where no
// request is about to.
func (s *simulation) warmsUp(i *instance) bool {
	awaited := i.waitedFor || s.ready == 0 && s.waiting.len() > 0
	if i.warmed || awaited || s.Warmup.IsZero() {
		return false
	}
	i.warmed = true
	e := event{what: loaded, instance: i, request: request{takes: s.Warmup.draw(s.load)}}
	if s.sharing != nil && !s.scarce {
		s.sharing.begin(s.now, e)
	} else {
		e.at = s.now + e.takes
		s.events.push(e)
	}
	return true
}

// ends is what a start comes to.
func (i *instance) ends() happening {
	if i.fails {
		return failed
	}
	return loaded
}

// leave gives an instance's place on its node back.
func (s *simulation) leave(i *instance) {
	if s.scarce {
		s.asked = append(s.asked, placing{at: s.now, instance: i, leaves: true})
	}
}

// lose is the end of an instance that nobody wanted gone. Its requests are sent again.
func (s *simulation) lose(i *instance) {
	wasDraining := i.state == draining
	if i.state == loading {
		s.counts.failedStarts++
		s.bill.failed(i)
	} else {
		s.counts.lost++
	}
	var again []request
	if i.waitedFor && i.state == loading {
		s.unbind(i) // it was sent nowhere yet
	}
	for _, e := range s.events.heap {
		if e.instance == i && e.what == served && i.sharing == nil {
			again = append(again, e.request)
		}
	}
	for _, shared := range []*sharing{s.sharing, i.sharing} {
		if shared != nil {
			again = append(again, shared.lose(s.now, i)...)
		}
	}
	s.counts.retried += int64(len(again))
	s.waiting.back(again...)
	s.remove(i)
	s.leave(i)
	if !wasDraining { // else it was told when it was let go
		s.tell(scaling.Ended, i.number, 0)
	}
	s.reconcile()
}

// dispatch gives waiting requests to instances, first come, first served; of the
// instances with room the oldest. One that finds none is bound, where requests bind, to
// one that starts.
func (s *simulation) dispatch() {
	for s.waiting.len() > 0 {
		if i := s.withRoom(); i != nil {
			s.serve(i, s.waiting.pop())
		} else if i := s.unbound(); i != nil {
			i.bound, i.waitedFor = s.waiting.pop(), true
			s.bound++
		} else {
			return
		}
	}
}

// unbound is the oldest instance that starts for nobody yet, or nil; the caller binds
// a request to it.
func (s *simulation) unbound() *instance {
	for len(s.starting) > 0 {
		i := s.starting[0]
		s.starting = s.starting[1:]
		if i.state == loading && !i.pending {
			return i
		}
	}
	return nil
}

// stuck says that no node has place for an instance. Where requests bind, the one that
// waits for it waits with the others again: on a full cluster every instance may be kept
// by a function whose requests wait for yet another one.
func (s *simulation) stuck(i *instance, now time.Duration) {
	i.pending = true
	s.pending++
	if i.waitedFor {
		s.unbind(i)
		s.events.push(event{at: now, what: news})
	}
}

// unstuck says that a node had place, and when everybody knows.
func (s *simulation) unstuck(i *instance, now time.Duration) {
	i.pending = false
	s.pending--
	if s.binds {
		s.starting = append(s.starting, i)
		s.events.push(event{at: now, what: news})
	}
}

// unbind has the request that waits for an instance wait with the others.
func (s *simulation) unbind(i *instance) {
	s.bound--
	i.waitedFor = false
	s.waiting.back(i.bound)
}

// serve lets a ready instance have a request.
func (s *simulation) serve(i *instance, r request) {
	s.take(i, s.ContainerConcurrency)
	if s.sharing != nil {
		s.sharing.begin(s.now, event{what: served, instance: i, request: r})
		return
	}
	if s.Apart && len(s.Pace) > 0 && s.ContainerConcurrency > 1 {
		if i.sharing == nil {
			i.sharing = &sharing{pace: s.Pace, together: s.Together}
		}
		i.sharing.begin(s.now, event{what: served, instance: i, request: r})
		s.foresee(i)
		return
	}
	s.events.push(event{at: s.now + r.takes, what: served, instance: i, request: r})
}

// foresee is when the next request of an instance with cores of its own is over, until
// another comes or goes: what was foreseen before counts no more.
func (s *simulation) foresee(i *instance) {
	i.round++
	if at := i.sharing.next(); at < forever {
		s.events.push(event{at: at, what: served, instance: i, round: i.round})
	}
}

// answer writes down how a request fared.
func (s *simulation) answer(i *instance, r request) {
	wait := s.now - r.takes - r.arrived
	s.waits.add(wait)
	s.latency.add(s.now - r.arrived)
	// It became ready only after the request arrived: the request waited for a start.
	if i.readyAt > r.arrived {
		s.coldLatency.add(s.now - r.arrived)
		if s.series != nil {
			s.series.count(min(s.now, s.For)).Cold++
		}
	}
	if s.Memory > 0 {
		s.bill.served(i, r.takes)
	}
}
