package scaling

import (
	"sync"

	"github.com/seed45885407/saccade/functions"
)

// mostDecisions is how many decisions of a function are remembered: some hours of a
// lively one, a few days of one that sleeps.
const mostDecisions = 256

// History is a function's newest decisions, over all its revisions. The zero History is
// empty and ready, from any goroutine; it takes no lock but its own.
type History struct {
	mu   sync.Mutex
	ring []functions.Decision
	next int // where the oldest is, once the ring is full
}

// Add remembers a decision, and forgets the oldest where there are too many.
func (h *History) Add(d functions.Decision) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < mostDecisions {
		h.ring = append(h.ring, d)
		return
	}
	h.ring[h.next] = d
	h.next = (h.next + 1) % mostDecisions
}

// Decisions are all that are remembered, the oldest first; never nil.
func (h *History) Decisions() []functions.Decision {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(append([]functions.Decision{}, h.ring[h.next:]...), h.ring[:h.next]...)
}
