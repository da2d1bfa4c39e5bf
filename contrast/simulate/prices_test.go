package simulate_test

import (
	"math"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func near(got functions.Money, want float64) bool {
	return math.Abs(float64(got)-want) <= 1e-12+1e-9*want
}

func TestInstancesAreBilledForWhatTheyHoldAndHow(t *testing.T) {
	const s = time.Second
	r := run(t, simulate.Config{
		Policy: script{{0, 1}}.policy, Arrivals: []time.Duration{0, 0, 10 * s}, For: 20 * s, ContainerConcurrency: 1,
		Service: simulate.Always(s), Load: simulate.Always(3 * s),
		Held:   functions.Held{CPU: 2, Memory: 4 << 30, GPUs: 1},
		Prices: &simulate.Prices{Currency: "EUR", CPUSecond: 1, GBSecond: 0.5, GPUSecond: 6, Request: 0.25},
	})
	// An instance is 2 + 2 + 6 a second: 3 s loading, 3 s busy, 14 s idle.
	if c := r.Cost; r.Currency != "EUR" || !near(c.Wasted, 30) || !near(c.Billed, 30) || !near(c.Idle, 140) || !near(c.Request, 0.75) || !near(c.Total, 200.75) {
		t.Errorf("%+v", r.Cost)
	}
}

func TestStyleLambdaIsBilledAsAWSDoes(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	prices := simulate.DefaultPrices()
	config := func(l functions.Lambda, arrivals ...time.Duration) simulate.Config {
		return simulate.Config{
			Arrivals: arrivals, For: time.Hour, Prices: &prices,
			Service: simulate.Always(100*ms + 1), Load: simulate.Always(2 * s),
		}.Under(under(functions.Scaling{Style: functions.StyleLambda, Lambda: l}))
	}
	gb := 2048.0 / 1024
	t.Run("each request, rounded up, and the start that it was for", func(t *testing.T) {
		c := run(t, config(functions.Lambda{Memory: 2048}, 0, 10*s, 20*s)).Cost
		billed, start := 2*0.101*gb*prices.Lambda.GBSecond, 2.101*gb*prices.Lambda.GBSecond
		if !near(c.Billed+c.Wasted, billed+start) || !near(c.Wasted, 2*gb*prices.Lambda.GBSecond) || c.Idle != 0 || !near(c.Request, 3*prices.Lambda.Request) ||
			!near(c.Total, billed+start+3*prices.Lambda.Request) {
			t.Errorf("%+v", c)
		}
	})
	t.Run("provisioned instances for being there, their requests for less", func(t *testing.T) {
		r := run(t, config(functions.Lambda{Memory: 2048, ProvisionedConcurrency: 1}, 10*s, 20*s))
		c := r.Cost
		if !near(c.Idle, 3600*gb*prices.Lambda.ProvisionedGBSecond) || !near(c.Billed, 2*0.101*gb*prices.Lambda.ProvisionedDurationGBSecond) || c.Wasted != 0 || r.Cold != 0 {
			t.Errorf("%+v", r)
		}
		if !near(c.Total, float64(c.Billed+c.Idle+c.Wasted+c.Request)) {
			t.Errorf("%+v does not add up", c)
		}
	})
	t.Run("a start that fails, once more", func(t *testing.T) {
		failing := config(functions.Lambda{Memory: 2048}, make([]time.Duration, 200)...)
		failing.Failures.Starts, failing.Seed = 0.5, 3
		r := run(t, failing)
		want := float64(r.Starts) * 2 * gb * prices.Lambda.GBSecond
		if r.FailedStarts == 0 || !near(r.Cost.Wasted, want) {
			t.Errorf("%d of %d starts failed; wasted %v, not %v", r.FailedStarts, r.Starts, r.Cost.Wasted, want)
		}
	})
}

func TestLambdaBoundsStartsAndRequests(t *testing.T) {
	const s = time.Second
	config := func(load time.Duration, l functions.Lambda, arrivals ...time.Duration) simulate.Config {
		return simulate.Config{
			Arrivals: arrivals, For: time.Hour, Service: simulate.Always(s), Load: simulate.Always(load),
		}.Under(under(functions.Scaling{Style: functions.StyleLambda, Lambda: l}))
	}
	if r := run(t, config(12*s, functions.Lambda{}, 0)); time.Duration(r.Wait.Max) != 22*s {
		t.Errorf("a start of 12 s is begun again after 10 s, so its request waits 22 s: %+v", r)
	}
	r := run(t, config(s, functions.Lambda{ReservedConcurrency: 2}, 0, 0, 0, 5*s, 5*s, 5500*time.Millisecond, 6*s))
	if r.Refused != 2 || r.Requests != 5 || r.Peak != 2 {
		t.Errorf("two at a time are allowed: %+v", r)
	}
}
