package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestAContrastIsMadeOfRealInstances(t *testing.T) {
	needRuntime(t)
	out := t.TempDir()
	t.Setenv(config.EnvCache, filepath.Join(out, "cache"))
	err := run(t.Context(), []string{
		"contrast", "--runtime", runtimeProgram, "--trace", "cron-bursts", "--for", "4s", "--starts", "1", "--requests", "4",
		"--styles", "lambda,startup-aware", "--load-time", "300ms", "--max-instances", "2", "--load", "0.3", "--out", out,
	}, nil, io.Discard, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var told report.Document
	read(t, filepath.Join(out, "report.json"), &told)
	if len(told.Traces) != 2 || len(told.Validation) != 8 || len(told.Knobs) != 2 || len(told.Sweep) == 0 {
		t.Fatalf("%d traces, %d figures held against each other, knobs of %d styles, %d rates",
			len(told.Traces), len(told.Validation), len(told.Knobs), len(told.Sweep))
	}
	for _, style := range told.Traces[0].Styles {
		r := style.Result
		if !style.Live || r.Requests == 0 || r.Cold == 0 || r.Starts == 0 || r.Instances <= 0 {
			t.Errorf("%s: %+v", style.Name, r)
		}
		if r.Latency.Max < functions.Seconds(300*time.Millisecond) {
			t.Errorf("%s: nobody waited for the load time, %v at most", style.Name, r.Latency.Max.Seconds())
		}
	}
	measured := map[string]simulate.Measured{}
	read(t, filepath.Join(out, "measured.json"), &measured)
	for style, m := range measured {
		// Of a busy machine a request may take longer than a start: not every one shows it.
		if len(m.Load) != 3 || slices.Max(m.Load) < 200*time.Millisecond {
			t.Errorf("%s: starts took %v, one at least 300 ms less a request", style, m.Load)
		}
	}
	for _, name := range []string{"report.html", "report.csv", "live/cron-bursts-lambda-requests.csv", "live/cron-bursts-startup-aware-samples.csv"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was played several times is held against as many simulated runs, all requests together.
func TestRoundsAreHeldAgainstEachOtherTogether(t *testing.T) {
	settings := functions.Function{}.WithDefaults().Spec.Scaling
	measured := simulate.Measured{Load: []time.Duration{time.Second}, Service: []time.Duration{100 * time.Millisecond}}
	round := func(starts int64, latency time.Duration) playedOnce {
		return playedOnce{beside: []simulate.Measured{measured}, outcome: replay.Outcome{
			Plan:     replay.Plan{Trace: "once", For: 10 * time.Second, Arrivals: []time.Duration{time.Second}},
			Requests: []replay.Request{{At: time.Second, Latency: latency}},
			Used:     functions.Usage{Starts: starts},
		}}
	}
	c := contrast{
		cmd: &cobra.Command{}, styles: []contrastStyle{{name: functions.StyleKubernetes, measured: measured, live: settings}},
		contrastOptions: contrastOptions{out: t.TempDir(), rounds: 2, instances: 4},
		played:          []*played{{trace: "once", rounds: []playedOnce{round(1, time.Second), round(3, 1200*time.Millisecond)}}},
	}
	c.cmd.SetOut(io.Discard)
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	want := map[string][2]float64{"p50": {1, 1.1}, "p95": {1.2, 1.1}, "cold starts": {4, 2}}
	for _, v := range c.in.Validation {
		w, ok := want[v.Measure]
		if ok && (math.Abs(v.Live-w[0]) > 1e-9 || math.Abs(v.Simulated-w[1]) > 1e-9) {
			t.Errorf("%s: %v live, %v simulated; want %v and %v", v.Measure, v.Live, v.Simulated, w[0], w[1])
		}
	}
	if len(c.in.Validation) != 4 {
		t.Errorf("%d figures, want 4", len(c.in.Validation))
	}
}

func TestSimulatedNodesHaveGPUsOfTheClassThatWasMeasured(t *testing.T) {
	held := functions.Held{CPU: 1, Memory: 1 << 30, GPUs: 1, Device: "nvidia-h200"}
	for gpus, fits := range map[float64]bool{0: false, 1: true} {
		nodes := nodeOptions{count: 2, cpu: 4, memoryGB: 16, gpus: gpus}.nodes(held)
		like := simulate.Measured{Instance: held, Load: []time.Duration{time.Second}, Service: []time.Duration{time.Millisecond}}.
			On(simulate.Config{Function: "eye", Arrivals: []time.Duration{time.Second}}).Under(functions.Function{}.WithDefaults().Spec.Scaling)
		result, err := simulate.RunFleet(simulate.Fleet{Functions: []simulate.Config{like}, Nodes: nodes, For: time.Minute})
		if len(nodes) != 2 || (err == nil) != fits || fits && result.Total.Requests != 1 {
			t.Errorf("%v GPUs on each of %d nodes: %d requests, %v", gpus, len(nodes), result.Total.Requests, err)
		}
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestAStyleKeepsWhatIsItsOwn(t *testing.T) {
	var f functions.Function
	f.Spec.Scaling.Window = functions.Duration(90 * time.Second)
	f.Spec.Scaling.Lambda.Memory = 3538
	o := contrastOptions{compress: 10, parallel: 1}
	for style, want := range map[string]struct {
		settings, live functions.Duration
		concurrency    int
	}{
		functions.StyleLambda:            {functions.Duration(functions.LambdaDefaultKeepAlive), functions.Duration(36 * time.Second), 1},
		functions.StyleKubernetes:        {functions.Duration(90 * time.Second), functions.Duration(9 * time.Second), 1},
		functions.AutoscalerStartupAware: {functions.Duration(90 * time.Second), functions.Duration(9 * time.Second), 1},
	} {
		got, err := styled(f, style, o)
		if err != nil {
			t.Fatal(err)
		}
		own, live := got.Spec.Scaling, o.compressed(got.Spec.Scaling)
		times := [2]functions.Duration{own.Window, live.Window}
		if own.IsLambda() {
			times = [2]functions.Duration{own.Lambda.KeepAlive, live.Lambda.KeepAlive}
			if own.Lambda.Memory != 3538 || got.Spec.Runtime.Threads != 2 {
				t.Errorf("%s: %d MB, %d threads", style, own.Lambda.Memory, got.Spec.Runtime.Threads)
			}
		}
		if times != [2]functions.Duration{want.settings, want.live} || own.ContainerConcurrency != want.concurrency {
			t.Errorf("%s: %v, %d at a time", style, times, own.ContainerConcurrency)
		}
		if kept := keeping(own, 3); kept.MinScale != 3 {
			t.Errorf("%s keeps %d of 3", style, kept.MinScale)
		}
	}
}
