package local

import (
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// phase is what an instance's time is being spent on.
type phase int

const (
	metersStart phase = iota
	metersService
	metersFrost
)

// meter counts the time of one instance. Its lock is the innermost: it may be
// called with any other held.
type meter struct {
	function string
	held     functions.Held
	slots    int64

	mu                    sync.Mutex
	phase                 phase
	since                 time.Time // up to when the three below are counted
	start, service, frost time.Duration
	ready                 bool
	over                  bool // the instance is gone, and time no longer counts
	failed                bool // and nothing will say any more that it had been ready

	// Time in a slot is counted on the clock that service is: a request that came
	// when it showed a and left when it showed b was there for b-a, its part of the
	// start and any frost left out.
	taken  int64         // requests that are in the instance
	cameAt time.Duration // the sum of what the clock showed when each came
	past   time.Duration // slot time of the requests that have left
	told   time.Duration // instance time that they were told of

	// Whoever waited in the instance for its start carries each of it; the division
	// leaves rest, a nanosecond for each of the first.
	each, rest time.Duration
}

func newMeter(function string, held functions.Held, slots int) *meter {
	return &meter{function: function, held: held, slots: int64(max(1, slots)), since: time.Now()}
}

// count brings the times up to now. Call with mu held.
func (m *meter) count() {
	now := time.Now()
	spent := now.Sub(m.since)
	m.since = now
	switch {
	case m.over:
	case m.phase == metersStart:
		m.start += spent
	case m.phase == metersService:
		m.service += spent
	case m.phase == metersFrost:
		m.frost += spent
	}
}

// becameReady ends the start, where it has not ended yet. That the instance is gone
// does not undo it: the news may have been on its way.
func (m *meter) becameReady() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.readied()
}

// readied is becameReady with mu held and the times counted.
func (m *meter) readied() {
	if m.phase != metersStart || m.failed {
		return
	}
	m.phase, m.ready = metersService, true
	if m.taken > 0 {
		m.each, m.rest = m.start/time.Duration(m.taken), m.start%time.Duration(m.taken)
	}
}

// froze and thawed surround the time in which the instance gets no CPU.
func (m *meter) froze()  { m.turn(metersService, metersFrost) }
func (m *meter) thawed() { m.turn(metersFrost, metersService) }

func (m *meter) turn(from, to phase) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	if m.phase == from {
		m.phase = to
	}
}

// ended stops the meter. Requests that have not left yet stay no longer than that.
func (m *meter) ended() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.over = true
}

// concluded is called when nothing more will be heard of an instance that is gone.
func (m *meter) concluded() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = !m.ready
}

// occupy counts a request in until the returned function counts it out, which is
// called once.
func (m *meter) occupy() func(answered bool) functions.Share {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	m.taken++
	came, cold := m.service, m.phase == metersStart
	m.cameAt += came
	return func(answered bool) functions.Share { return m.leave(came, cold, answered) }
}

func (m *meter) leave(came time.Duration, cold, answered bool) functions.Share {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	if answered { // whoever answers is ready, though the news of that may be on its way yet
		m.readied()
	}
	m.taken--
	m.cameAt -= came
	m.past += m.service - came
	// What divides badly is told to the next, so that nothing is lost in the sum.
	share := functions.Share{Held: m.held, Busy: m.past/time.Duration(m.slots) - m.told}
	m.told += share.Busy
	if cold && m.ready {
		share.Start = m.each
		if m.rest > 0 {
			share.Start++
			m.rest--
		}
	}
	return share
}

// usage is all the time so far.
func (m *meter) usage() functions.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count()
	inSlots := m.past + time.Duration(m.taken)*m.service - m.cameAt
	u := functions.Usage{
		Function: m.function, Held: m.held,
		Busy:     min(m.service, inSlots/time.Duration(m.slots)),
		Starting: m.start, Frozen: m.frost,
	}
	u.Idle = m.service - u.Busy
	if m.ready {
		u.Starts = 1
	}
	if m.failed {
		u.Failed = m.start
	}
	return u
}
