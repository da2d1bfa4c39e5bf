package local

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

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
	return f.history.Decisions(), true
}

// want sets how many instances are wanted, and keeps the reason of a change: it is
// put into words only then. Call with mu held.
func (r *revision) want(instances int, reason func() string) {
	if instances == r.wanted {
		return
	}
	why := reason()
	r.platform.opts.Log.Info("scaling", "revision", r.Name, "from", r.wanted, "to", instances, "why", why)
	r.history.Add(functions.Decision{At: time.Now(), Revision: r.Name, From: r.wanted, To: instances, Reason: why})
	r.wanted = instances
}
