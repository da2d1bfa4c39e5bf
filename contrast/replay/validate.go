package replay

import (
	"fmt"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Simulate runs what was replayed in the simulation: the same arrivals after the same
// lead, the same settings, and the machine's bound of instances, with the measured times.
func (o Outcome) Simulate(m simulate.Measured, settings functions.Scaling, instances, points int, seed uint64) (simulate.Result, error) {
	c := m.On(simulate.Config{Function: o.Used.Function, Trace: o.Plan.Trace, Seed: seed, Points: points}).Under(settings)
	c.For = o.Lead + o.Plan.For
	for _, at := range o.Plan.Arrivals {
		c.Arrivals = append(c.Arrivals, o.Lead+at)
	}
	Bound(&c, settings, instances)
	result, err := simulate.Run(c)
	if err != nil {
		return result, fmt.Errorf("simulating what was replayed: %w", err)
	}
	return result, nil
}

// Bound gives a simulation the bound of instances that the local platform has: more are not
// started, and in style lambda, where nobody queues, as many requests are taken at a time.
func Bound(c *simulate.Config, settings functions.Scaling, instances int) {
	if instances <= 0 {
		return
	}
	most := max(instances, settings.MinScale)
	policy := c.Policy
	c.Policy = func(now time.Time) scaling.Policy { return bounded{policy(now), most} }
	if settings.IsLambda() {
		c.MostRequests = min(c.MostRequests, most)
	}
}

// bounded is a policy that is not given all it wants.
type bounded struct {
	scaling.Policy
	most int
}

// Decide is part of scaling.Policy.
func (b bounded) Decide(now time.Time) scaling.Decision {
	d := b.Policy.Decide(now)
	d.Instances = min(d.Instances, b.most)
	return d
}

// Binds is part of scaling.Binder.
func (b bounded) Binds() bool {
	binder, ok := b.Policy.(scaling.Binder)
	return ok && binder.Binds()
}
