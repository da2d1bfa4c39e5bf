package coldstart

import (
	"math"
	"time"
)

const (
	// burstRounds is how many rounds of a warm function's capacity may wait however
	// long a round is.
	burstRounds = 8
	// standing is how many bursts may wait where hardly more comes than is served:
	// most of such a queue is the rest of a cold start, or callers who send their next
	// request after the last one's answer.
	standing = 4
	// flowTime is the least time over which what came is held against what was served,
	// and flowRounds the least number of rounds.
	flowTime   = 500 * time.Millisecond
	flowRounds = 8
	// flood is how many times what is served has to come for a free place to be taken so
	// soon that nobody need wait for it.
	flood = 8
	// longestRetry bounds Retry-After: nobody knows the load in an hour.
	longestRetry = time.Minute
)

// pressure tells a burst from an overload.
//
// A queue in front of a warm function is good for one thing: to hold what came at
// once until it is served. Where more comes than is served, time after time, the
// same queue only makes everybody late and serves not one request more. So a warm
// function takes a burst (burstRounds, or MaxDelay's worth) into its queue. Once that
// is full, and more comes than goes, the queue is kept as short as keeps the
// instances busy, until no more comes than goes: half a service time, or nobody at all
// where the next one is never far.
//
// This is CoDel's distinction of good and bad queue (RFC 8289), made at the door,
// where turning away is cheap, and by the flow instead of by sojourn times: so
// callers who wait for their answer before they send again are never a flood, however
// many they are, and the pile that a cold start leaves keeps nobody out.
type pressure struct {
	overloaded bool
	flow       flow
}

// flow counts what came and what was served over a sliding time, made of two fixed
// ones.
type flow struct {
	began       time.Time
	length      time.Duration
	now, before counts
}

type counts struct{ came, served float64 }

// roll begins the next time where the last is over.
func (f *flow) roll(now time.Time, length time.Duration) {
	past := now.Sub(f.began)
	if past < f.length {
		return
	}
	f.before = f.now
	f.began = f.began.Add(f.length)
	if past >= 2*f.length {
		f.before, f.began = counts{}, now
	}
	f.now, f.length = counts{}, length
}

// sums are about what came and was served within one length until now.
func (f *flow) sums(now time.Time) (came, served float64) {
	share := 1.0
	if f.length > 0 {
		share = max(0, 1-float64(now.Sub(f.began))/float64(f.length))
	}
	return f.now.came + share*f.before.came, f.now.served + share*f.before.served
}

// span is the time that fits the function's pace.
func (q *queue) span(now time.Time) time.Duration {
	return max(flowTime, flowRounds*q.service.typical(now)/time.Duration(max(1, q.ready)))
}

// came counts a request that wants in, served one whose lease is over. What came
// while nothing was ready is a cold start's and counts against nobody who comes later.
func (q *queue) came(now time.Time) {
	if q.ready == 0 {
		q.flow = flow{}
		return
	}
	q.flow.roll(now, q.span(now))
	q.flow.now.came++
}

func (q *queue) served(now time.Time) {
	q.flow.roll(now, q.span(now))
	q.flow.now.served++
}

// crowded says whether a request that comes now has to be turned away for the
// others' sake, and keeps the pressure up to date.
func (q *queue) crowded(now time.Time, opts Options) bool {
	free := q.free(now)
	if free && !q.overloaded {
		q.flow = flow{} // what was served while nobody waited is no measure of a flood
		return false
	}
	came, served := q.flow.sums(now)
	if came <= 1.1*served+1 {
		q.overloaded = false
	}
	if free {
		return false
	}
	ahead, burst := q.ahead(now), q.burst(now, opts)
	switch {
	case q.overloaded && q.starting == 0:
		return came >= flood*served || ahead >= min(max(1, q.ready/2), burst)
	case ahead >= burst && came > 2*served+4, ahead/standing >= burst && came > 1.1*served+4:
		q.overloaded = true
		return true
	}
	return false
}

// burst is how many requests the queue takes of those that come at once.
func (q *queue) burst(now time.Time, opts Options) int {
	service := q.service.typical(now)
	if q.ready == 0 || service <= 0 || q.starting > 0 && !q.load.known() {
		return math.MaxInt // capacity is on its way, or nothing is known: MaxWaiting bounds
	}
	round := func(places int) int {
		return max(burstRounds*places, int(float64(opts.MaxDelay)*float64(places)/float64(service)))
	}
	if q.starting > 0 { // who waits for what is starting will be served by it
		return round(q.ready+q.starting) + int(float64(q.starts(now))*float64(q.ready)/float64(service))
	}
	return round(q.ready)
}

// relief is when a request that is turned away now should come back: when what came
// lately has been served at the function's pace, were all of it to come back as well.
func (q *queue) relief(now time.Time) time.Duration {
	came, served := q.flow.sums(now)
	var after time.Duration
	if q.ready > 0 && served >= 1 { // else it is not the pace that they wait for, or there is none yet
		after = time.Duration(came / served * float64(q.flow.length))
	}
	return min(longestRetry, max(q.backlog(now), after))
}
