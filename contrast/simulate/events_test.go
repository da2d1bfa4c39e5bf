package simulate

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestEventsComeInTheOrderOfTimeThenOfForesight(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var h events
	for n := range 1000 {
		h.push(event{at: time.Duration(r.IntN(50)), instance: &instance{number: n}})
	}
	last := h.pop()
	for len(h.heap) > 0 {
		next := h.pop()
		if next.at < last.at || next.at == last.at && next.instance.number < last.instance.number {
			t.Fatalf("%+v comes after %+v", next, last)
		}
		last = next
	}
}

func TestTheQueueIsFirstComeFirstServed(t *testing.T) {
	var q queue
	next := time.Duration(0)
	for n := range time.Duration(100) {
		q.push(request{arrived: n})
		if n%3 == 2 {
			for range 2 {
				if got := q.pop(); got.arrived != next {
					t.Fatalf("%v came before %v", got.arrived, next)
				}
				next++
			}
		}
	}
	if q.len() != 100-int(next) {
		t.Errorf("%d wait", q.len())
	}
}

func TestRequestsThatComeBackAreInFrontOfThoseThatCameLater(t *testing.T) {
	var q queue
	for n := range time.Duration(10) {
		q.push(request{arrived: n})
	}
	first, second := q.pop(), q.pop()
	q.pop()
	q.back(second, first)
	for _, want := range []time.Duration{0, 1, 3, 4} {
		if got := q.pop(); got.arrived != want {
			t.Fatalf("%v came where %v was due", got.arrived, want)
		}
	}
}

// The one with the fewest requests is given, of several the oldest, whoever came and
// went and however many each has.
func TestRoomsGiveTheLeastLoaded(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var h rooms
	all := make([]*instance, 100)
	for n := range all {
		all[n] = &instance{number: n, room: -1}
	}
	there := map[int]bool{}
	for range 10_000 {
		n := r.IntN(len(all))
		switch {
		case there[n] && r.IntN(2) == 0:
			h.remove(all[n])
			there[n] = false
		case there[n]:
			all[n].requests = r.IntN(4)
			h.fix(all[n])
		default:
			h.push(all[n])
			there[n] = true
		}
		var want *instance
		for n, i := range all {
			if there[n] && (want == nil || i.requests < want.requests) {
				want = i
			}
		}
		if (want == nil) != (len(h) == 0) || want != nil && h[0] != want {
			t.Fatalf("instance %d is due; the heap is %v long", want.number, len(h))
		}
	}
}
