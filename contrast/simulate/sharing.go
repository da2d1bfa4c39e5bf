package simulate

import (
	"math"
	"slices"
	"time"
)

// Pace is how fast each of so many requests at a time goes on, as a share of what one by
// itself does: Pace[0] is 1, Pace[1] that of each of two, on all instances together. With
// more than it tells they share what its last element comes to in all. It is what cores
// that requests share do to them: processor sharing, of which Kleinrock's "Time-shared
// systems: a theoretical treatment" (JACM 14, 1967) is the classic account. The empty Pace: requests
// do not know of one another.
type Pace []float64

// of is the pace of each of n requests, above zero.
func (p Pace) of(n int) float64 {
	if n <= len(p) {
		return p[n-1]
	}
	return p[len(p)-1] * float64(len(p)) / float64(n)
}

// On is the pace on a share of the cores, above 0 and 1 at most: n requests there go as
// n/share on all of them, beside one that goes as 1/share.
func (p Pace) On(share float64) Pace {
	if len(p) == 0 {
		return nil
	}
	among := func(n int) float64 { return p.of(max(1, int(math.Round(float64(n)/share)))) }
	var on Pace
	for n := 1; n <= max(1, int(float64(len(p))*share)); n++ {
		on = append(on, among(n)/among(1))
	}
	return on
}

// valid says that a pace lets requests end.
func (p Pace) valid() bool {
	return !slices.ContainsFunc(p, func(share float64) bool { return !(share > 0.001 && share <= 10) })
}

// sharing is the requests that run, and the starts that compute, where they slow each other.
type sharing struct {
	pace Pace
	// together is what requests in the same instance go at, as a share of what as many go
	// at that are in instances of their own; empty: the same.
	together Pace
	at       time.Duration
	// shares is the sum of together over what runs; a start is by itself.
	shares float64
	// done is what a request that runs since the beginning would have done by at, in
	// nanoseconds of one by itself. All that run at a time do as much, so each is over
	// when done has grown by what it takes.
	done    float64
	pushed  uint64
	running []run // a binary heap, what is over next first
}

// run is a request under way, or a start.
type run struct {
	event
	due   float64
	began time.Duration
}

func (r *run) before(other *run) bool {
	return r.due < other.due || r.due == other.due && r.order < other.order
}

// pass brings done up to a time.
func (s *sharing) pass(now time.Duration) {
	if len(s.running) > 0 && now > s.at {
		s.done += float64(now-s.at) * s.rate()
	}
	s.at = now
}

// rate is how fast each goes on. Those that are together with more are slower than
// others, but the cores that they leave idle serve nobody else: on average all are.
func (s *sharing) rate() float64 {
	n := len(s.running)
	return s.pace.of(n) * s.shares / float64(n)
}

// count has so many more of a kind on an instance run.
func (s *sharing) count(e event, more int) {
	if e.what != served || len(s.together) == 0 {
		s.shares += float64(more)
		return
	}
	i := e.instance
	s.shares -= s.together.sum(i.running)
	i.running += more
	s.shares += s.together.sum(i.running)
}

// sum is what n requests in an instance come to.
func (p Pace) sum(n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(n) * p.of(n)
}

// next is when the next request is over, forever where none runs.
func (s *sharing) next() time.Duration {
	if len(s.running) == 0 {
		return forever
	}
	left := math.Ceil((s.running[0].due - s.done) / s.rate())
	return s.at + time.Duration(max(0, left))
}

// begin lets a request run from now on.
func (s *sharing) begin(now time.Duration, e event) {
	s.pass(now)
	s.pushed++
	e.order = s.pushed
	s.count(e, 1)
	s.running = append(s.running, run{event: e, due: s.done + float64(e.takes), began: now})
	for i := len(s.running) - 1; i > 0 && s.running[i].before(&s.running[(i-1)/2]); i = (i - 1) / 2 {
		s.running[i], s.running[(i-1)/2] = s.running[(i-1)/2], s.running[i]
	}
}

// end takes out the next request, which took as long as it was there.
func (s *sharing) end(now time.Duration) event {
	s.pass(now)
	first, last := s.running[0], len(s.running)-1
	s.running[0], s.running[last] = s.running[last], run{}
	s.running = s.running[:last]
	s.sink(0)
	s.count(first.event, -1)
	if last == 0 {
		s.done, s.shares = 0, 0 // nothing is lost in large numbers
	}
	first.event.at, first.takes = now, now-first.began
	return first.event
}

// lose takes out the requests of an instance that is gone.
func (s *sharing) lose(now time.Duration, i *instance) (lost []request) {
	s.pass(now)
	s.running = slices.DeleteFunc(s.running, func(r run) bool {
		if r.instance != i {
			return false
		}
		if s.count(r.event, -1); r.what == served {
			lost = append(lost, r.request)
		}
		return true
	})
	for at := len(s.running)/2 - 1; at >= 0; at-- {
		s.sink(at)
	}
	return lost
}

// sink restores the heap below a place.
func (s *sharing) sink(at int) {
	for {
		least := at
		for below := 2*at + 1; below <= 2*at+2 && below < len(s.running); below++ {
			if s.running[below].before(&s.running[least]) {
				least = below
			}
		}
		if least == at {
			return
		}
		s.running[at], s.running[least] = s.running[least], s.running[at]
		at = least
	}
}
