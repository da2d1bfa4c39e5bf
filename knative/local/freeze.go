package local

import (
	"sync"
	"time"
)

// freezer stops an instance between its requests and lets it go on for each, as AWS
// Lambda does. It is told of the requests by the waiting room, whose lock is held
// then: so a request is sent only after the process goes on, and the process stops
// only after the whole answer is there. Its lock is inside the room's.
type freezer struct {
	process process
	meter   *meter

	mu      sync.Mutex
	busy    bool // a request has it
	settled bool // its start has left nothing to do
	over    bool // it is to leave, and must go on for that
	frozen  bool
	used    time.Time // by the last request; before, its start
}

func newFreezer(p process, m *meter) *freezer {
	return &freezer{process: p, meter: m, used: time.Now()}
}

// Busy is part of coldstart.Turns.
func (f *freezer) Busy() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = true
	f.thaw()
}

// Idle is part of coldstart.Turns.
func (f *freezer) Idle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy, f.used = false, time.Now()
	f.freeze()
}

// settle lets the instance be frozen from now on.
func (f *freezer) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = true
	f.freeze()
}

// end lets the instance go on for good: who is frozen cannot leave in order.
func (f *freezer) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	f.thaw()
}

// freeze and thaw with mu held.
func (f *freezer) freeze() {
	if f.settled && !f.busy && !f.over && !f.frozen {
		f.frozen = true
		f.process.freeze()
		f.meter.froze()
	}
}

func (f *freezer) thaw() {
	if f.frozen {
		f.frozen = false
		f.meter.thawed()
		f.process.thaw()
	}
}

// isFrozen says so; lastUsed is when a request left it last, and whether none has it.
func (f *freezer) isFrozen() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.frozen
}

func (f *freezer) lastUsed() (at time.Time, idle bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used, !f.busy
}
