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
		h.push(event{at: time.Duration(r.IntN(50)), instance: n})
	}
	last := h.pop()
	for {
		next, more := h.peek()
		if !more {
			return
		}
		if got := h.pop(); got != next {
			t.Fatalf("popped %+v after a peek at %+v", got, next)
		}
		if next.at < last.at || next.at == last.at && next.instance < last.instance {
			t.Fatalf("%+v comes after %+v", next, last)
		}
		last = next
	}
}

func TestTheQueueIsFirstComeFirstServed(t *testing.T) {
	var q queue
	next := time.Duration(0)
	for n := range time.Duration(100) {
		q.push(n, 0)
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
