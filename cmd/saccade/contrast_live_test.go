package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// live plays a plan in a style with real instances that take loadTime longer to start.
func live(t *testing.T, style string, loadTime time.Duration, instances int, plan replay.Plan) (replay.Outcome, functions.Scaling) {
	t.Helper()
	needRuntime(t)
	cfg := testConfig(t)
	cfg.MaxInstances = instances
	o := contrastOptions{function: "centernet", loadTime: loadTime, parallel: 1, compress: 1, instances: instances}
	var on theatre
	if err := on.open(&cobra.Command{}, cfg, o); err != nil {
		t.Fatal(err)
	}
	defer on.close()
	f, err := on.own()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = styled(f, style, o); err != nil {
		t.Fatal(err)
	}
	var out replay.Outcome
	if err := on.opener(style)(t.Context(), 0, func(ctx context.Context, stage replay.Stage) (err error) {
		out, err = replay.Run(ctx, stage, plan, replay.Options{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out, f.Spec.Scaling
}

// A steady stream that one instance could serve meets a function at zero: what requests pile
// up while it loads is no load. The table is that of docs/contrast.md, with more of everything.
func TestStartupAwareDoesNotStartForThePile(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	const rate, length = 5, 7 * time.Second
	plan := replay.Plan{Trace: "steady", Compress: 1, Kept: 1, For: length, Arrivals: traces.Poisson(rate, length, 1)}
	peak := map[string]int64{}
	// The first of all has a graph to make, and so the longest start.
	for _, style := range []string{functions.AutoscalerStartupAware, functions.StyleKubernetes} {
		out, _ := live(t, style, 2*time.Second, 16, plan)
		r := out.Result(0)
		if r.Requests != int64(len(plan.Arrivals)) {
			t.Fatalf("%s: %d of %d requests were answered: %v", style, r.Requests, len(plan.Arrivals), out.Refused())
		}
		if busy := rate * worked(out).Seconds(); busy > 0.7 {
			t.Skipf("%s: one instance would be busy %.1f times over: the machine is too busy for what is shown here", style, busy)
		}
		peak[style] = r.Peak
		t.Logf("%s: %d instances at the peak, %d of them ready in time, %.0f instance-seconds; half of %d waited %v or more, none longer than %v",
			style, r.Peak, r.Starts, r.Instances.Seconds(), r.Requests, time.Duration(r.Wait.P50), time.Duration(r.Wait.Max))
	}
	if ours, theirs := peak[functions.AutoscalerStartupAware], peak[functions.StyleKubernetes]; ours < 1 || theirs < 2*ours {
		t.Errorf("KPA starts %d instances, startup-aware %d", theirs, ours)
	}
}

// worked is how long half of the requests were worked on at least.
func worked(o replay.Outcome) time.Duration {
	var all []time.Duration
	for _, q := range o.Requests {
		if q.Kind == "" {
			all = append(all, time.Duration(q.Timing.Sum()-q.Timing.Wait))
		}
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// Live and simulated, who finds as many there as may be at a time is refused at once.
func TestStyleLambdaRefusesLiveWhatItRefusesSimulated(t *testing.T) {
	const load = 1500 * time.Millisecond
	plan := replay.Plan{Trace: "burst", Compress: 1, Kept: 1, For: 6 * time.Second}
	for range 7 {
		plan.Arrivals = append(plan.Arrivals, 100*time.Millisecond)
	}
	out, settings := live(t, functions.StyleLambda, load, 2, plan)
	real := out.Result(0)
	if real.Requests != 2 || out.Refused()[functions.Busy] != 5 {
		t.Errorf("live %d were answered, and refused %v; want 2 and 5 for being too many", real.Requests, out.Refused())
	}
	for _, r := range out.Requests {
		if r.Kind != "" && r.Latency >= load {
			t.Errorf("one was refused after %v, when a start was over", r.Latency)
		}
	}
	measured := simulate.Measured{Load: []time.Duration{load}, Service: []time.Duration{50 * time.Millisecond}}
	simulated, err := out.Simulate(measured, settings, 2, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if simulated.Requests != real.Requests || simulated.Refused != real.Refused || simulated.Cold != real.Cold {
		t.Errorf("simulated %d answered, %d of them cold, %d refused; live %d, %d, %d",
			simulated.Requests, simulated.Cold, simulated.Refused, real.Requests, real.Cold, real.Refused)
	}
}
