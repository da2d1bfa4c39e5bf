package simulate

import "time"

// event is something an instance will do. Events at the same time happen in the order
// in which they were foreseen.
type event struct {
	at       time.Duration
	order    uint64
	took     time.Duration // served: the request's service time
	instance int
	what     happening
}

type happening uint8

const (
	loaded happening = iota
	served
)

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
	sift(h.heap, event.before)
}

func (h *events) peek() (event, bool) {
	if len(h.heap) == 0 {
		return event{}, false
	}
	return h.heap[0], true
}

func (h *events) pop() event {
	e := h.heap[0]
	h.heap = sink(h.heap, event.before)
	return e
}

func (e event) before(other event) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// numbers is a binary heap, the least first.
type numbers []int

func (h *numbers) push(n int) {
	*h = append(*h, n)
	sift(*h, less)
}

func (h *numbers) pop() { *h = sink(*h, less) }

func less(a, b int) bool { return a < b }

// sift moves the last of heap up to its place.
func sift[T any](heap []T, before func(a, b T) bool) {
	for i := len(heap) - 1; i > 0; {
		above := (i - 1) / 2
		if !before(heap[i], heap[above]) {
			return
		}
		heap[i], heap[above] = heap[above], heap[i]
		i = above
	}
}

// sink takes the first out of heap.
func sink[T any](heap []T, before func(a, b T) bool) []T {
	last := len(heap) - 1
	heap[0] = heap[last]
	heap = heap[:last]
	for i := 0; ; {
		least := i
		for _, below := range [...]int{2*i + 1, 2*i + 2} {
			if below < last && before(heap[below], heap[least]) {
				least = below
			}
		}
		if least == i {
			return heap
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// queue is the requests that wait, first come, first served.
type queue struct {
	requests []request
	head     int
}

type request struct{ arrived, takes time.Duration }

func (q *queue) len() int { return len(q.requests) - q.head }

func (q *queue) push(arrived, takes time.Duration) {
	q.requests = append(q.requests, request{arrived, takes})
}

func (q *queue) pop() request {
	r := q.requests[q.head]
	q.head++
	if q.head == len(q.requests) {
		q.requests, q.head = q.requests[:0], 0
	}
	return r
}
