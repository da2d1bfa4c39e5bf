package simulate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// A step changes its own knob and no other, to something that means something.
func TestStepsChangeOneKnobEach(t *testing.T) {
	for _, style := range styles {
		seen := map[string]bool{}
		for _, step := range simulate.Steps(style.Scaling) {
			if seen[step.Knob+step.Value] {
				t.Errorf("%s: %s %s twice", style.name, step.Knob, step.Value)
			}
			seen[step.Knob+step.Value] = true
			if cmp.Equal(style.Scaling, step.Settings) {
				t.Errorf("%s: %s %s changes nothing", style.name, step.Knob, step.Value)
			}
			if s := step.Settings; s.MinScale < 0 || s.MaxScale < 0 || s.TargetUtilization > 100 || s.Lambda.Memory > 10240 {
				t.Errorf("%s: %s %s: %+v", style.name, step.Knob, step.Value, s)
			}
		}
		if len(seen) < 5 {
			t.Errorf("%s has %d steps", style.name, len(seen))
		}
	}
}

func TestSensitivity(t *testing.T) {
	trace, err := traces.Named("rush-hour")
	if err != nil {
		t.Fatal(err)
	}
	for _, style := range styles {
		c := simulate.Config{
			Arrivals: trace.Arrivals(1), For: trace.For, Seed: 1, Points: 10,
			Service: simulate.LogNormal(200*time.Millisecond, 0.3), Load: simulate.Always(5 * time.Second),
			Held: functions.Held{CPU: 1, Memory: 1 << 30}, Prices: new(simulate.DefaultPrices()),
		}
		variants, err := simulate.Sensitivity(c, style.Scaling)
		if err != nil {
			t.Fatal(err)
		}
		base := variants[0]
		if base.Knob != "" || len(variants) != 1+len(simulate.Steps(style.Scaling))-packings(style.Scaling) || base.Result.Series != nil {
			t.Fatalf("%s: %d variants, the first is %+v", style.name, len(variants), base)
		}
		c.Points = 0
		if diff := cmp.Diff(run(t, c.Under(style.Scaling)), base.Result); diff != "" {
			t.Errorf("%s: the run without a step is another: %s", style.name, diff)
		}
		moved := map[string]simulate.Variant{}
		for _, v := range variants {
			moved[v.Knob+" "+v.Value] = v
			if v.Cost != v.Result.Cost.Total || v.P99 != v.Result.Latency.P99 || v.Cost <= 0 {
				t.Errorf("%s: %+v", style.name, v)
			}
		}
		// What each of these does is known without a simulation. (What KPA's utilisation does to
		// the cost is not: at a higher one it panics more often.)
		for knob, check := range map[string]func(simulate.Result) bool{
			"minScale 1": func(r simulate.Result) bool {
				return r.Cold < base.Result.Cold
			},
			"targetUtilization 80": func(r simulate.Result) bool { return r.Wait.P99 > base.Result.Wait.P99 },
			"targetUtilization 60": func(r simulate.Result) bool {
				return r.Wait.P99 < base.Result.Wait.P99
			},
			"lambda.keepAlive 12m0s":          func(r simulate.Result) bool { return r.Cold < base.Result.Cold },
			"lambda.keepAlive 3m0s":           func(r simulate.Result) bool { return r.Cold > base.Result.Cold },
			"lambda.memory 3538":              func(r simulate.Result) bool { return r.Busy < base.Result.Busy*11/20 },
			"lambda.provisionedConcurrency 1": func(r simulate.Result) bool { return r.Cost.Idle > 0 && r.Cold < base.Result.Cold },
		} {
			if v, ok := moved[knob]; ok && !check(v.Result) {
				t.Errorf("%s, %s: %+v; without the step %+v", style.name, knob, v.Result, base.Result)
			}
		}
	}
}

// packings are the steps that need to know how requests slow each other.
func packings(s functions.Scaling) (n int) {
	for _, step := range simulate.Steps(s) {
		if step.Knob == "containerConcurrency" {
			n++
		}
	}
	return n
}

// Twice as many requests in an instance need half as many instances where cores are idle
// beside one, and cost the waiting for them where they are not.
func TestPackingIsNoGift(t *testing.T) {
	const length = 30 * time.Minute
	c := simulate.Config{
		Arrivals: traces.Poisson(20, length, 1), For: length, Seed: 1, Apart: true,
		Service: simulate.Always(200 * time.Millisecond), Load: simulate.Always(2 * time.Second),
		Held: functions.Held{CPU: 1, Memory: 1 << 30}, Prices: new(simulate.DefaultPrices()),
	}
	s := under(functions.Scaling{ContainerConcurrency: 2})
	for name, pace := range map[string]simulate.Pace{"cores enough": {1, 1, 1, 1}, "one core": {1}} {
		c.Pace = pace
		variants, err := simulate.Sensitivity(c, s)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]simulate.Variant{}
		for _, v := range variants {
			by[v.Knob+" "+v.Value] = v
		}
		base, more, fewer := by[" "], by["containerConcurrency 4"], by["containerConcurrency 1"]
		if more.Result.Requests != base.Result.Requests || fewer.Result.Requests != base.Result.Requests {
			t.Fatalf("%s: %d and %d of %d requests", name, more.Result.Requests, fewer.Result.Requests, base.Result.Requests)
		}
		if len(pace) > 1 {
			alone := base.Result.Latency.P50 < functions.Seconds(202*time.Millisecond) // known to 1/128
			if !alone || more.Cost > base.Cost*3/4 || fewer.Cost < base.Cost*5/4 {
				t.Errorf("%s: with 1, 2, 4 in an instance it costs %v, %v, %v", name, fewer.Cost, base.Cost, more.Cost)
			}
		} else if more.Result.Latency.P95 <= base.Result.Latency.P95 || fewer.Result.Latency.P95 >= base.Result.Latency.P95 {
			// Half need not notice: so many are slowed that the autoscaler orders until few share.
			t.Errorf("%s: with 1, 2, 4 in an instance the 95th percentile is %v, %v, %v", name,
				fewer.Result.Latency.P95.Seconds(), base.Result.Latency.P95.Seconds(), more.Result.Latency.P95.Seconds())
		}
	}
}
