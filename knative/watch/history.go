package watch

import (
	"sync"

	"github.com/seed45885407/saccade/functions"
)

// mostDecisions is how many decisions of a function are remembered.
const mostDecisions = 256

// history is a function's newest decisions, over all its revisions. The zero history is
// empty.
type history struct {
	mu   sync.Mutex
	ring []functions.Decision
	next int // where the oldest is, once the ring is full
}

func (h *history) add(d functions.Decision) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < mostDecisions {
		h.ring = append(h.ring, d)
		return
	}
	h.ring[h.next] = d
	h.next = (h.next + 1) % mostDecisions
}

// decisions are all that are remembered, the oldest first; never nil.
func (h *history) decisions() []functions.Decision {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(append([]functions.Decision{}, h.ring[h.next:]...), h.ring[:h.next]...)
}
