package watch

import (
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// pod is a ready pod of a revision. Its fields are under the revision's mu.
type pod struct {
	endpoint
	number int // the policy's
	life   *coldstart.Life
	// serial and generation make a new name where what was withdrawn comes back: the
	// waiting room takes a name only once.
	serial, generation int
	// suspect: a request lost it, and nothing has been heard of it since; missing: for so
	// long that it counts as gone.
	suspect, missing bool
	over             bool
	start            functions.Start
}

func newPod(e endpoint) *pod { return &pod{endpoint: e, life: coldstart.NewLife()} }

func (p *pod) renew(generation int) {
	p.serial++
	p.generation = generation
	p.life = coldstart.NewLife()
}

// named is the pod's name in the waiting room.
func (r *revision) named(p *pod) string {
	if p.serial == 0 {
		return r.Name + "/" + p.pod
	}
	return fmt.Sprintf("%s/%s~%d.%d", r.Name, p.pod, p.generation, p.serial)
}

// How a pod is asked whether it is there, after a request lost it.
const (
	firstAsk = 50 * time.Millisecond
	lastAsk  = 2 * time.Second
	// presumed is how long it may be silent before it counts as gone. The cluster says so
	// itself unless its API server is away.
	presumed = 3 * time.Second
)

// lost is told by a request that lost the pod while it had the given life. Only the
// first of them counts.
func (r *revision) lost(p *pod, life *coldstart.Life, how coldstart.Loss) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-life.Ended():
		return
	default:
	}
	// The room must not offer it again once the request hears of its end.
	p.renewIf(life)
	if !p.over && !p.suspect {
		p.suspect = true
		r.platform.opts.Log.Warn("a request lost a pod", "revision", r.Name, "pod", p.pod, "how", lossText(how))
		r.platform.group.Go(func() { r.ask(p) })
	}
	r.publish()
	life.Lose(how)
}

func (p *pod) renewIf(life *coldstart.Life) {
	if p.life == life {
		p.renew(p.generation)
	}
}

// ask asks a suspect until it answers or is gone.
func (r *revision) ask(p *pod) {
	ctx, began := r.platform.ctx, time.Now()
	for pause := firstAsk; ; pause = min(2*pause, lastAsk) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		err := r.platform.opts.asks.there(ctx, p.address)
		r.mu.Lock()
		switch {
		case p.over:
			r.mu.Unlock()
			return
		case err == nil:
			p.suspect, p.missing = false, false
			r.publish()
			r.mu.Unlock()
			r.platform.opts.Log.Info("the pod is there again", "revision", r.Name, "pod", p.pod)
			return
		case !p.missing && time.Since(began) >= presumed:
			p.missing = true
			r.publish()
		}
		r.mu.Unlock()
	}
}

func lossText(how coldstart.Loss) string {
	switch how {
	case coldstart.Unreached:
		return "it could not be reached"
	case coldstart.Crashed:
		return "its program went away"
	}
	return "the connection broke"
}
