package scaling

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Lambda is AWS Lambda's way: one request at a time in an instance, a new instance
// for each request that finds none idle, and each idle instance reclaimed after
// KeepAlive. Provisioned instances stay; there are never more than the reserved or
// the account's concurrency. Nothing is averaged and nothing foreseen.
//
// A platform gives a request to the idle instance that was used last, and lets go the
// one whose use is longest ago. So there have to be as many instances as there were
// requests at a time at most within the keep-alive, and the policy need not know which
// request was where. (On AWS a function also gains no more than 1,000 instances in ten
// seconds; with an account's concurrency of 1,000 that makes no difference.)
type Lambda struct {
	scaling functions.Scaling
	keep    time.Duration
	present int // requests
	living  int // instances, starting and ready
	wanted  int
	// lately is how many requests there were at a time, each number with when it last
	// was so, of the keep-alive's time, those that no later one exceeds: falling.
	lately []need
}

// NewLambda is a Lambda for a Revision that exists from now on. The settings are
// complete: functions.WithDefaults has been applied.
func NewLambda(s functions.Scaling, _ time.Time) *Lambda {
	return &Lambda{scaling: s, keep: time.Duration(s.Lambda.KeepAlive), wanted: min(s.MinScale, concurrency(s))}
}

// concurrency is the most instances that s may ever have.
func concurrency(s functions.Scaling) int {
	if s.Lambda.ReservedConcurrency > 0 {
		return s.Lambda.ReservedConcurrency
	}
	return functions.LambdaAccountConcurrency
}

// Binds is part of Binder.
func (p *Lambda) Binds() bool { return true }

// Tell is part of Policy. A request that no instance is wanted for yet is urgent.
func (p *Lambda) Tell(e Event) (urgent bool) {
	switch e.What {
	case Arrived:
		p.present++
	case Left:
		p.last(need{e.At, p.present})
		p.present--
	case Starting:
		p.living++
	case Ready: // kept for a while even where its request has gone
		p.last(need{e.At, max(1, p.present)})
	case Ended:
		p.living--
	}
	return min(p.present, concurrency(p.scaling)) > p.wanted
}

// last notes that there were so many requests until now.
func (p *Lambda) last(n need) {
	for len(p.lately) > 0 && p.lately[len(p.lately)-1].instances <= n.instances {
		p.lately = p.lately[:len(p.lately)-1]
	}
	p.lately = append(p.lately, n)
}

// Decide is part of Policy.
func (p *Lambda) Decide(now time.Time) Decision {
	gone := 0
	for gone < len(p.lately) && now.Sub(p.lately[gone].at) >= p.keep {
		gone++
	}
	p.lately = append(p.lately[:0], p.lately[gone:]...)

	d := Decision{Rest: Forever, Instances: p.present}
	if p.present > 0 {
		d.Reason = because("requests at a time: %.0f, each with an instance of its own", float64(p.present))
	} else {
		d.Reason = because("no request for the keep-alive of %.0f s", p.keep.Seconds())
	}
	if len(p.lately) > 0 {
		p.stay(&d, now)
	}
	if d.Instances < p.scaling.MinScale {
		d.Reason = because("%.0f are kept initialised; %.0f would do", float64(p.scaling.MinScale), float64(d.Instances))
		d.Instances = p.scaling.MinScale
	}
	if most := concurrency(p.scaling); d.Instances > most {
		d.Reason = because("%.0f requests at a time; the concurrency allowed is %.0f", float64(d.Instances), float64(most))
		d.Instances = most
	}
	p.wanted = d.Instances
	return d
}

// stay keeps the instances whose keep-alive is not over, until the first one's is. It
// starts none: one that failed is missed by nobody until the next request comes.
func (p *Lambda) stay(d *Decision, now time.Time) {
	most := p.lately[0]
	d.Rest = p.keep - now.Sub(most.at)
	if kept := min(most.instances, p.living); kept > d.Instances {
		d.Reason = because("%.0f requests now, %.0f at a time %.0f s ago; an idle instance is kept for %.0f s",
			float64(p.present), float64(most.instances), now.Sub(most.at).Seconds(), p.keep.Seconds())
		d.Instances = kept
	}
}
