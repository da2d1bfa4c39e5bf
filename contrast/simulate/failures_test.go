package simulate_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

func TestEveryRequestIsServedWhateverFails(t *testing.T) {
	for _, style := range styles {
		c := simulate.Config{
			Arrivals: traces.Poisson(3, 3*time.Hour, 1), For: 3 * time.Hour, Seed: 1,
			Service: simulate.LogNormal(time.Second, 0.5), Load: simulate.Always(5 * time.Second),
			Failures: simulate.Failures{Starts: 0.3, Life: 5 * time.Minute},
		}.Under(style.Scaling)
		r := run(t, c)
		if int(r.Requests) != len(c.Arrivals) || r.Lost == 0 || r.Retried == 0 {
			t.Errorf("%s: %d of %d requests were served: %+v", style.name, r.Requests, len(c.Arrivals), r)
		}
		if share := float64(r.FailedStarts) / float64(r.Starts); math.Abs(share-0.3) > 0.08 {
			t.Errorf("%s: %.2f of %d starts failed", style.name, share, r.Starts)
		}
		c.Failures.Life = 0
		if r := run(t, c); r.Lost != 0 {
			t.Errorf("%s: instances died: %+v", style.name, r)
		}
	}
}

func TestALostInstancesRequestIsSentAgain(t *testing.T) {
	const s = time.Second
	// Of instances that live a minute on average the one that has a request of two
	// minutes is likely to die, and the next one too.
	r := run(t, simulate.Config{
		Policy: script{{0, 1}}.policy, Arrivals: []time.Duration{5 * s}, For: 2 * time.Hour, Seed: 1,
		Service: simulate.Always(2 * time.Minute), Load: simulate.Always(s), ContainerConcurrency: 1,
		Failures: simulate.Failures{Life: time.Minute},
	})
	if r.Requests != 1 || r.Retried == 0 || r.Lost < r.Retried || r.Cold != 1 || time.Duration(r.Latency.Max) != time.Duration(r.Wait.Max)+2*time.Minute {
		t.Errorf("%+v", r)
	}
	if r.Starts != r.Lost+1 || r.Peak != 1 {
		t.Errorf("a lost one is not replaced by one: %+v", r)
	}
}

// Rest is said to be of no effect: asked at each tick, the policies come to the same. So
// ticks at zero may be left out. Here under settings and traffic that are drawn.
func TestTicksThatAreLeftOutChangeNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	kinds := append(traces.Shipped(), traces.Trace{For: 3 * time.Hour, Arrivals: func(seed uint64) []time.Duration {
		return traces.Poisson(0.01, 3*time.Hour, seed)
	}})
	asked, askedAwake := int64(0), int64(0)
	for n := range 60 {
		trace := kinds[n%len(kinds)]
		length := min(trace.For, 6*time.Hour)
		seed := r.Uint64()
		arrivals := trace.Arrivals(seed)
		for len(arrivals) > 0 && arrivals[len(arrivals)-1] > length {
			arrivals = arrivals[:len(arrivals)-1]
		}
		s := functions.Scaling{
			MinScale: max(0, r.IntN(5)-3), ContainerConcurrency: 1 + r.IntN(4),
			Window:                  functions.Duration(time.Duration(6+r.IntN(200)) * time.Second),
			ScaleDownDelay:          functions.Duration(time.Duration(r.IntN(2)*r.IntN(60)) * time.Second),
			ScaleToZeroPodRetention: functions.Duration(time.Duration(r.IntN(2)*r.IntN(300)) * time.Second),
			TargetUtilization:       float64(30 + r.IntN(70)),
		}
		for _, style := range styles {
			s.Style, s.Autoscaler = style.Style, style.Autoscaler
			c := simulate.Config{
				Arrivals: arrivals, For: length, Seed: seed,
				Service: simulate.LogNormal(time.Duration(10+r.IntN(500))*time.Millisecond, 0.4),
				Load:    simulate.LogNormal(time.Duration(100+r.IntN(20_000))*time.Millisecond, 0.3),
			}.Under(under(s))
			resting := run(t, c)
			policy := c.Policy
			c.Policy = func(now time.Time) scaling.Policy { return awaken(policy(now)) }
			always := run(t, c)
			asked, askedAwake = asked+resting.Handled, askedAwake+always.Handled
			resting.Handled, always.Handled = 0, 0
			if diff := cmp.Diff(always, resting); diff != "" {
				t.Fatalf("%s, %+v, %s: -asked at each tick +resting\n%s", style.name, s, trace.Name, diff)
			}
		}
	}
	if asked >= askedAwake {
		t.Errorf("nothing was left out: %d events and %d", asked, askedAwake)
	}
}

// awaken hides a policy's rest, and nothing else.
func awaken(p scaling.Policy) scaling.Policy {
	if binder, ok := p.(scaling.Binder); ok {
		return struct {
			awake
			scaling.Binder
		}{awake{p}, binder}
	}
	return awake{p}
}
