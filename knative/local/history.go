package local

import (
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// mostDecisions is how many decisions of a function are remembered: some hours of a
// lively one, a few days of one that sleeps.
const mostDecisions = 256

// history is a function's newest decisions, over all its revisions. Its lock is
// inside the revision's. The zero history is empty.
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

// Decisions are the newest changes of how many instances the function should have,
// the oldest first, each with its reason. known is false where there is no function
// of that name.
func (p *Platform) Decisions(function string) (_ []functions.Decision, known bool) {
	p.mu.Lock()
	f := p.functions[function]
	p.mu.Unlock()
	if f == nil {
		return nil, false
	}
	return f.history.decisions(), true
}

// want sets how many instances are wanted, and keeps the reason of a change: it is
// put into words only then. Call with mu held.
func (r *revision) want(instances int, reason func() string) {
	if instances == r.wanted {
		return
	}
	why := reason()
	r.platform.opts.Log.Info("scaling", "revision", r.Name, "from", r.wanted, "to", instances, "why", why)
	r.history.add(functions.Decision{At: time.Now(), Revision: r.Name, From: r.wanted, To: instances, Reason: why})
	r.wanted = instances
}
