// Package simulate runs scaling policies against arrivals in virtual time: a
// discrete-event simulation.
//
// It receives a [Config], one function: arrivals, how long a request and a start take,
// what fails how often, and the policy, which is the very one that a live platform runs.
// Or it receives a [Fleet]: many functions, and the nodes that they share. It hands on
// a [Result]: who waited how long, what the instances spent their time on, and what that
// costs. The same Config gives the same Result to the byte, on any number of cores. It
// refuses traces that go back in time, sizes that mean nothing, and instances that fit
// no node.
//
// What is left out: requests have no deadline, a request's service time depends on its
// neighbours only where a [Pace] says how, a start that failed is begun again without a
// pause, and the network takes no time.
package simulate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Config is one run of one function.
type Config struct {
	// Function, PolicyName and Trace name the run in its Result.
	Function, PolicyName, Trace string
	// Image names image and model together, of which a Fleet's nodes keep some. Default:
	// Function.
	Image string
	// Policy makes the policy; it is told the time at which the run begins.
	Policy func(now time.Time) scaling.Policy
	// Arrivals are the requests, as times since the beginning, never falling. Stream, if
	// not nil, makes them one at a time instead, anew for each run; what it has after For
	// is left.
	Arrivals []time.Duration
	Stream   func() traces.Stream
	// Service is how long an instance is busy with one request.
	Service Distribution
	// Rested is the same of a request before which nothing was done for RestedAfter: by then
	// others have had the caches, and the cores sleep. Without one it makes no difference.
	Rested Distribution
	// Pace is how requests that run at a time slow each other, each in an instance of its
	// own; Service is then of one by itself. Empty: they do not. Together is what more in
	// the same instance go at, as a share of that; empty: no slower.
	Pace, Together Pace
	// Apart has each instance on cores of its own, such as Pace was measured on: requests in
	// the same instance slow each other, others and starts do not.
	Apart bool
	// Warmup is what a start takes longer for which no request waits: else that request's run
	// is the warm-up. It computes all the while. Without one it makes no difference.
	Warmup Distribution
	// Computes is the share of each start, from 0 to 1, in which it computes: there it slows
	// requests, and is slowed by them, as another request would be. It needs a Pace, and
	// counts for nothing on a Fleet's nodes or where instances are Apart.
	Computes float64
	// Load is how long an instance takes from its start until it is ready. Pull is what is
	// added, on a Fleet's nodes, where image and model are not there yet; without one
	// they are everywhere.
	Load, Pull Distribution
	// Failures is what goes wrong by itself. The zero Failures: nothing.
	Failures Failures
	// ContainerConcurrency is the most requests at a time in one instance, 1 or more.
	ContainerConcurrency int
	// Capacity bounds the instances that the cluster can hold, those that finish their
	// last requests included. 0: no bound.
	Capacity int
	// MostRequests is how many requests there may be at a time; one more is refused. 0:
	// no bound.
	MostRequests int
	// InitTimeout is how long a start may take before it is begun again, once, and then
	// takes as long as it takes. 0: no bound.
	InitTimeout time.Duration
	// Held is what one instance keeps from others, for its cost and its place on a node.
	Held functions.Held
	// Prices are what that costs. Nil: the Result has no cost. Memory is in MB; where it is
	// not 0 the bill is AWS Lambda's for that size, the first Provisioned instances kept
	// initialised.
	Prices      *Prices
	Memory      int
	Provisioned int
	// For is how long the run is measured. Requests that still wait then are served to
	// the end, so that their waits count; instance time after it does not.
	For time.Duration
	// Seed is for all that is drawn. Request n takes as long under every policy.
	Seed uint64
	// Points is how many steps the Result's Series has, of equal length. With any the
	// spreads have their bars, too. 0: neither.
	Points int
	// Why, if not nil, is told every decision that changes the number wanted.
	Why func(at time.Duration, wanted int, reason scaling.Reason)
}

// Failures are how often what goes wrong.
type Failures struct {
	// Starts is the share of starts, from 0 to 0.9, that take their time and then fail.
	Starts float64
	// Life is how long a ready instance lives on average, its end as likely at any time as
	// at another. 0: as long as it is wanted.
	Life time.Duration
}

// Under is c with settings: their policy, and what style and concurrency say of the rest.
// They are complete: functions.WithDefaults has been applied.
func (c Config) Under(s functions.Scaling) Config {
	c.Policy = func(now time.Time) scaling.Policy { return scaling.New(s, now) }
	c.ContainerConcurrency = max(1, s.ContainerConcurrency)
	c.PolicyName = s.Autoscaler
	if s.IsLambda() {
		c.PolicyName = functions.StyleLambda
		c.Memory, c.Provisioned = s.Lambda.Memory, s.Lambda.ProvisionedConcurrency
		c.InitTimeout = functions.LambdaInitTimeout
		c.MostRequests = functions.LambdaAccountConcurrency
		if s.Lambda.ReservedConcurrency > 0 {
			c.MostRequests = s.Lambda.ReservedConcurrency
		}
	}
	return c
}

// RestedAfter is how long nothing is done until all that made the next request fast is lost.
const RestedAfter = 200 * time.Millisecond

const (
	// longestTail is how long after For requests may wait before the run gives up.
	longestTail = 24 * time.Hour
	// longestRun keeps sums of instance time far from what 64 bits hold.
	longestRun = 10 * 366 * 24 * time.Hour
	mostPoints = 100_000
)

func (c Config) check() error {
	switch {
	case c.Policy == nil, c.Service.IsZero(), c.Load.IsZero():
		return errors.New("simulating without a policy, a service time or a load time")
	case c.ContainerConcurrency < 1 || c.Capacity < 0 || c.MostRequests < 0 || c.For <= 0 || c.For > longestRun:
		return fmt.Errorf("simulating %d requests in an instance, %d instances, %d requests at a time, for %v",
			c.ContainerConcurrency, c.Capacity, c.MostRequests, c.For)
	case !(c.Failures.Starts >= 0 && c.Failures.Starts <= 0.9) || c.Failures.Life < 0 || c.InitTimeout < 0:
		return fmt.Errorf("simulating %v of starts that fail, lives of %v, an init timeout of %v", c.Failures.Starts, c.Failures.Life, c.InitTimeout)
	case !(c.Computes >= 0 && c.Computes <= 1):
		return fmt.Errorf("simulating starts that compute for %v of their time", c.Computes)
	case !c.Pace.valid() || !c.Together.valid():
		return fmt.Errorf("simulating requests at a pace of %v, and of %v in the same instance", c.Pace, c.Together)
	case c.Points < 0 || c.Points > mostPoints:
		return fmt.Errorf("simulating %d points of a series", c.Points)
	case !slices.IsSorted(c.Arrivals):
		return errors.New("simulating arrivals that go back in time")
	case len(c.Arrivals) > 0 && (c.Arrivals[0] < 0 || c.Arrivals[len(c.Arrivals)-1] > c.For):
		return fmt.Errorf("simulating arrivals from %v to %v in a run from 0 to %v", c.Arrivals[0], c.Arrivals[len(c.Arrivals)-1], c.For)
	}
	return nil
}

// Run simulates c to its end.
func Run(c Config) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	s := newSimulation(c, newSeries(c.Points, c.For))
	if err := s.run(forever); err != nil {
		return Result{}, err
	}
	result := s.result()
	result.Step, result.Series = s.series.points(c.For)
	return result, nil
}
