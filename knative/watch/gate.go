package watch

import (
	"fmt"
	"time"

	"github.com/seed45885407/saccade/gateway/coldstart"
)

// gate is the way to a revision that leads through others: its activator, or an ingress.
// It is under the revision's mu.
type gate struct {
	life     *coldstart.Life
	serial   int
	closed   bool // for a while, after requests were lost on it
	failures int
	failedAt time.Time
}

func newGate() gate { return gate{life: coldstart.NewLife()} }

func (g *gate) renew() {
	g.serial++
	g.life = coldstart.NewLife()
}

// How long the gate is left alone after a loss.
const (
	firstClosed = 100 * time.Millisecond
	lastClosed  = 4 * time.Second
	// forgiven is after how long without a loss the next is a first one.
	forgiven = 20 * time.Second
)

// gateName is the gate's name in the waiting room.
func (r *revision) gateName() string {
	name := r.Name + "/activator"
	if r.byService() {
		name = r.Name + "/service"
	}
	if r.gate.serial > 0 {
		name = fmt.Sprintf("%s~%d", name, r.gate.serial)
	}
	return name
}

// byService says that all requests go through the gate, and not only those for pods
// that are wanted.
func (r *revision) byService() bool { return r.platform.opts.Way == ByService || r.unseen }

// lostGate is told by a request that was lost on the gate of the given life. Only the
// first of them counts.
func (r *revision) lostGate(life *coldstart.Life, how coldstart.Loss) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-life.Ended():
		return
	default:
	}
	g := &r.gate
	if g.life == life {
		if now.Sub(g.failedAt) > forgiven {
			g.failures = 0
		}
		pause := min(lastClosed, firstClosed<<min(g.failures, 10))
		g.failures++
		g.failedAt, g.closed = now, true
		g.renew()
		r.platform.opts.Log.Warn("a request was lost on its way", "revision", r.Name, "way", r.gateAddress(),
			"how", lossText(how), "again_in", pause)
		r.platform.group.Go(func() {
			select {
			case <-r.platform.ctx.Done():
				return
			case <-time.After(pause):
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.gate.closed = false
			r.publish()
		})
		r.publish()
	}
	life.Lose(how)
}

// gateAddress is the host that the gate is.
func (r *revision) gateAddress() string {
	if r.platform.opts.Way == ByService && r.address != "" {
		return r.address
	}
	return r.own()
}
