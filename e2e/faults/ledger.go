package main

import (
	"slices"
	"sync"
	"time"
)

// ledger has what became of every event: what its sender was told, and what the sink
// got. It is filled by both and read at the end. It is safe for concurrent use.
type ledger struct {
	mu     sync.Mutex
	events map[string]*entry // by the event's id
	marks  [2][]time.Time    // ends of faults that are not recovered from, by progress
	counts counts
}

// entry is one event.
type entry struct {
	sent     time.Time
	accepted time.Time // of the first 202
	job      string    // the status URL that the 202 named
	answered time.Time // when the sink first had the outcome
	answers  map[answer]int
}

// answer is what makes two outcomes the same one.
type answer struct{ id, kind string }

// counts are sums over a scenario.
type counts struct {
	Sent, Accepted, Done int
	// Failed are accepted events that ended with a reason instead of an answer: the
	// sink has the failure, or the job's status says it.
	Failed int
	// Lost were accepted, and are neither done nor failed.
	Lost int
	// Again are outcomes that the sink got once more, under the same id.
	Again int
	// Other are events that have two outcomes which differ, or two jobs.
	Other int
	// Refused are answers of 429 or 503; Bare those among them with no Retry-After.
	Refused, Bare int
	// Cut are requests that got no answer at all.
	Cut int
	// Recovery is the longest time from a fault (a kill) or its end (an outage) to the
	// next event that is accepted and the next outcome at the sink.
	Recovery time.Duration
	// Slowest is the longest time from a 202 to the outcome.
	Slowest time.Duration
}

// What progress is seen by.
const (
	byAccept = iota
	byOutcome
)

func newLedger() *ledger { return &ledger{events: map[string]*entry{}} }

func (l *ledger) entry(id string) *entry {
	e := l.events[id]
	if e == nil {
		e = &entry{answers: map[answer]int{}}
		l.events[id] = e
	}
	return e
}

// send notes that an event is on its way, for the first time.
func (l *ledger) send(id string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry(id).sent = at
	l.counts.Sent++
}

// accept notes a 202 and the job it named.
func (l *ledger) accept(id, job string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(id)
	l.recovered(byAccept, at)
	switch {
	case e.accepted.IsZero():
		e.accepted, e.job = at, job
		l.counts.Accepted++
	case e.job != job:
		l.counts.Other++
	}
}

// outcome notes what the sink got.
func (l *ledger) outcome(id string, a answer, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entry(id)
	l.recovered(byOutcome, at)
	if e.answered.IsZero() {
		e.answered = at
	}
	if e.answers[a]++; e.answers[a] > 1 {
		l.counts.Again++
	}
}

// refuse notes an answer that turned an event away; cut, that there was none.
func (l *ledger) refuse(advised bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Refused++
	if !advised {
		l.counts.Bare++
	}
}

func (l *ledger) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Cut++
}

// mark notes the moment from which recovery is counted.
func (l *ledger) mark(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for by := range l.marks {
		l.marks[by] = append(l.marks[by], at)
	}
}

// recovered ends the marks before at. The caller holds mu.
func (l *ledger) recovered(by int, at time.Time) {
	for _, mark := range l.marks[by] {
		l.counts.Recovery = max(l.counts.Recovery, at.Sub(mark))
	}
	l.marks[by] = l.marks[by][:0]
}

// accepted is how many events were accepted so far.
func (l *ledger) accepted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts.Accepted
}

// missing are the events that were accepted and have no outcome at the sink, with
// their status URLs.
func (l *ledger) missing() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := map[string]string{}
	for id, e := range l.events {
		if !e.accepted.IsZero() && e.answered.IsZero() {
			all[id] = e.job
		}
	}
	return all
}

// jobs are the status URLs of events that were accepted, every nth.
func (l *ledger) jobs(nth int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.events {
		if e.job != "" {
			all = append(all, e.job)
		}
	}
	slices.Sort(all)
	var some []string
	for i := 0; i < len(all); i += nth {
		some = append(some, all[i])
	}
	return some
}

// close counts; reasoned are the missing events whose status has the reason of their
// failure.
func (l *ledger) close(reasoned map[string]bool) counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	for id, e := range l.events {
		if len(e.answers) > 1 {
			c.Other++
		}
		switch {
		case e.accepted.IsZero(): // what was done all the same is no loss, and no accept
		case !e.answered.IsZero():
			c.Slowest = max(c.Slowest, e.answered.Sub(e.accepted))
			if e.only(typeFailed) {
				c.Failed++
			} else {
				c.Done++
			}
		case reasoned[id]:
			c.Failed++
		default:
			c.Lost++
		}
	}
	return c
}

// only tells that every outcome of the event is of one type.
func (e *entry) only(kind string) bool {
	for a := range e.answers {
		if a.kind != kind {
			return false
		}
	}
	return true
}
