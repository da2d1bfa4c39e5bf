package simulate

import "time"

// event is something that will happen to an instance. Events at the same time happen in
// the order in which they were foreseen.
type event struct {
	at       time.Duration
	order    uint64
	request  // served: whose end it is
	instance *instance
	what     happening
	round    uint32 // of an instance with cores of its own: the event is news only if it is still the instance's
}

type happening uint8

const (
	loaded   happening = iota // an instance is ready
	failed                    // an instance will never be
	died                      // an instance is lost, with its requests
	served                    // a request is over
	computes                  // a start needs the cores from now on
	news                      // of the nodes: who waits may be sent elsewhere
)

// request is one that waits or is worked on.
type request struct{ arrived, takes time.Duration }

// events is a binary heap, the next event first. The order of equal times is made
// certain by a number in each event.
type events struct {
	heap   []event
	pushed uint64
}

func (h *events) push(e event) {
	h.pushed++
	e.order = h.pushed
	h.heap = append(h.heap, e)
	for i := len(h.heap) - 1; i > 0; {
		above := (i - 1) / 2
		if !h.heap[i].before(&h.heap[above]) {
			return
		}
		h.heap[i], h.heap[above] = h.heap[above], h.heap[i]
		i = above
	}
}

func (h *events) pop() event {
	last := len(h.heap) - 1
	e := h.heap[0]
	h.heap[0] = h.heap[last]
	h.heap[last] = event{}
	h.heap = h.heap[:last]
	for i := 0; ; {
		least := i
		for below := 2*i + 1; below <= 2*i+2 && below < last; below++ {
			if h.heap[below].before(&h.heap[least]) {
				least = below
			}
		}
		if least == i {
			return e
		}
		h.heap[i], h.heap[least] = h.heap[least], h.heap[i]
		i = least
	}
}

func (e *event) before(other *event) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// queue is the requests that wait, first come, first served.
type queue struct {
	requests []request
	head     int
}

func (q *queue) len() int { return len(q.requests) - q.head }

func (q *queue) push(r request) {
	if q.head > 64 && 2*q.head > len(q.requests) { // a queue that is never empty still ends
		q.requests = q.requests[:copy(q.requests, q.requests[q.head:])]
		q.head = 0
	}
	q.requests = append(q.requests, r)
}

// back puts requests where they were before they were taken: those that came first in
// front.
func (q *queue) back(again ...request) {
	all := append(again, q.requests[q.head:]...)
	for i := 1; i < len(all); i++ { // nearly sorted
		for j := i; j > 0 && all[j].arrived < all[j-1].arrived; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
	q.requests, q.head = all, 0
}

func (q *queue) pop() request {
	r := q.requests[q.head]
	q.head++
	if q.head == len(q.requests) {
		q.requests, q.head = q.requests[:0], 0
	}
	return r
}
