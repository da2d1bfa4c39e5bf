package replay

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestRequestsLeaveAtTheirTimesWhetherOrNotOthersCameBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{load: 10 * time.Second, service: time.Second}
		stage := p.stage()
		time.Sleep(3 * time.Second) // the policy is there for as long before
		plan := Plan{Trace: "t", For: 20 * time.Second, Arrivals: seconds64(1, 2, 3, 19)}
		out, err := Run(t.Context(), stage, plan, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var latency []time.Duration
		for _, q := range out.Requests {
			if q.Late != 0 {
				t.Errorf("the request of %v left %v late", q.At, q.Late)
			}
			latency = append(latency, q.Latency)
		}
		// The instance is ready at 11; then one after the other.
		if diff := cmp.Diff(seconds64(11, 11, 11, 1), latency); diff != "" {
			t.Error(diff)
		}
		if out.Lead != 3*time.Second || p.most != 3 {
			t.Errorf("a lead of %v, %d at a time", out.Lead, p.most)
		}
		result := out.Result(20)
		got := [4]any{result.Requests, result.Cold, result.Starts, result.Instances}
		if want := [4]any{int64(4), int64(3), int64(1), functions.Seconds(19 * time.Second)}; got != want {
			t.Errorf("requests, cold, starts, instance time: %v, want %v", got, want)
		}
		if len(out.Starts()) != 1 {
			t.Errorf("three waited for one start, %d are counted", len(out.Starts()))
		}
		if bars := result.ColdLatency.Bars; len(bars) != 1 || bars[0].Count != 3 {
			t.Errorf("the cold ones are %v", bars)
		}
		// One loading instance from 1 to 11, a ready one after that.
		p1, p15 := result.Series[5], result.Series[15]
		if p1.Loading != 1 || p1.Idle+p1.Busy != 0 || p15.Loading != 0 || p15.Idle != 1 || result.Series[2].Arrivals != 1 {
			t.Errorf("the series has %+v at 5 s and %+v at 15 s", p1, p15)
		}
	})
}

func TestRequestsWithoutAnAnswerAreCountedApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{service: time.Second, refuse: map[int]functions.Kind{1: functions.Busy}}
		out, err := Run(t.Context(), p.stage(), Plan{For: 5 * time.Second, Arrivals: seconds64(0, 1, 3)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		result := out.Result(0)
		if result.Requests != 2 || result.Refused != 1 || out.Refused()[functions.Busy] != 1 {
			t.Errorf("%d answered, %d not, %v", result.Requests, result.Refused, out.Refused())
		}
	})
}

func TestAReplayThatIsGivenUpEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		time.AfterFunc(2*time.Second, func() { cancel(reason) })
		p := &platform{service: time.Second}
		_, err := Run(ctx, p.stage(), Plan{For: time.Hour, Arrivals: seconds64(0, 3000)}, Options{})
		if !errors.Is(err, reason) || len(p.asked) != 1 {
			t.Errorf("%v after %d requests", err, len(p.asked))
		}
	})
}

func TestAPlanWithoutArrivalsIsRefused(t *testing.T) {
	if _, err := Run(t.Context(), Stage{}, Plan{For: time.Second}, Options{}); err == nil {
		t.Error("it is played")
	}
}

// The fake is an M/G/1 queue with a load, which the simulation knows, too: they have to
// agree to the nanosecond.
func TestTheSimulationOfAReplayIsTheReplay(t *testing.T) {
	plan := Plan{Trace: "t", For: 30 * time.Second, Arrivals: seconds64(1, 2, 3.5, 9, 9.25, 20)}
	var out Outcome
	synctest.Test(t, func(t *testing.T) {
		p := &platform{load: 4 * time.Second, service: time.Second}
		var err error
		if out, err = Run(t.Context(), p.stage(), plan, Options{}); err != nil {
			t.Fatal(err)
		}
	})
	settings := functions.Function{}.WithDefaults().Spec.Scaling
	settings.ContainerConcurrency, settings.Target = 1, 1
	m := simulate.Measured{Load: []time.Duration{4 * time.Second}, Service: []time.Duration{time.Second}}
	simulated, err := out.Simulate(m, settings, 1, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	figures := func(r simulate.Result) []any {
		return []any{r.Latency.P50, r.Latency.P95, r.Cold, r.Starts, r.Instances}
	}
	if diff := cmp.Diff(figures(out.Result(0)), figures(simulated)); diff != "" {
		t.Errorf("p50, p95, cold requests, starts and instance-seconds, live and simulated:\n%s", diff)
	}
	if simulated.Peak != 1 {
		t.Errorf("%d instances, the machine holds 1", simulated.Peak)
	}
}

func TestMeasuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		open := func(ctx context.Context, kept int, use func(context.Context, Stage) error) error {
			opened++
			p := &platform{load: 3 * time.Second, service: 100 * time.Millisecond, kept: kept}
			if kept == 1 {
				p.crowded = 25 * time.Millisecond
			}
			stage := p.stage()
			stage.Processes = p.processes
			return use(ctx, stage)
		}
		m, err := Measure(t.Context(), open, MeasureOptions{Starts: 2, Requests: 8, Instances: 2, AtATime: 2, Places: 2})
		if err != nil {
			t.Fatal(err)
		}
		if opened != 5 { // one to have the graph kept, two for requests, and one for each start
			t.Errorf("%d platforms were brought up", opened)
		}
		if diff := cmp.Diff([]time.Duration{3 * time.Second, 3 * time.Second}, m.Load); diff != "" {
			t.Error(diff)
		}
		if len(m.Service) != 8 || m.Service[3] != 100*time.Millisecond {
			t.Errorf("requests take %v", m.Service)
		}
		// One core: of two at a time each has half.
		if len(m.Pace) != 2 || m.Pace[0] != 1 || m.Pace[1] != 0.5 {
			t.Errorf("the pace is %v", m.Pace)
		}
		// In one instance they take 125 ms each.
		if len(m.Together) != 2 || m.Together[0] != 1 || m.Together[1] < 0.799 || m.Together[1] > 0.801 {
			t.Errorf("in one instance they go at %v of that", m.Together)
		}
		if len(m.Warmup) != 1 || m.Warmup[0] != 125*time.Millisecond {
			t.Errorf("an instance by itself warms up for %v", m.Warmup)
		}
		if m.Work != 60*time.Millisecond || m.Computes != 0.02 {
			t.Errorf("a request computes for %v, a start for %v of its time", m.Work, m.Computes)
		}
		if m.Instance.CPU != 1 || m.Function != "eye" || m.Check() != nil {
			t.Errorf("%+v: %v", m, m.Check())
		}
	})
}

func TestAFunctionThatDoesNotComeUpIsNotMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := func(ctx context.Context, kept int, use func(context.Context, Stage) error) error {
			return use(ctx, (&platform{kept: 0}).stage())
		}
		_, err := Measure(t.Context(), open, MeasureOptions{Instances: 3})
		if functions.KindOf(err) != functions.ColdStartTimeout {
			t.Errorf("%v", err)
		}
	})
}

func TestTheTablesHaveALineForEach(t *testing.T) {
	out := Outcome{
		Requests: []Request{{At: time.Second, Latency: 2 * time.Millisecond, Cold: true}, {Kind: functions.Busy}},
		Samples:  []Sample{{State: "ready", Ready: 2, CPU: 1.5, Memory: 1 << 20}},
	}
	out.Requests[0].Timing.Infer = functions.Millis(1500 * time.Microsecond)
	var requests, samples bytes.Buffer
	if err := errors.Join(out.WriteRequests(&requests), out.WriteSamples(&samples)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&requests).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][2] != "0.002000" || rows[1][9] != "1.500" || rows[2][4] != string(functions.Busy) {
		t.Errorf("%v, %v", rows, err)
	}
	rows, err = csv.NewReader(&samples).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][6] != "1.50" {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestWhatWasNotMeasuredIsLeftEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &platform{load: 2 * time.Second, service: time.Second}
		out, err := Run(t.Context(), p.stage(), Plan{Trace: "t", For: 10 * time.Second, Arrivals: seconds64(1)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := out.WriteSamples(&text); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if last := rows[len(rows)-1]; last[6] != "" || last[7] != "" || out.PeakMemory() != 0 {
			t.Errorf("nobody looked at processes: %v", last)
		}
		// Started at 1, ready at 3, busy until 4, there until 10; a look may miss a step by half a second.
		seen := out.Seen()
		for what, times := range map[string][2]time.Duration{
			"starting": {seen.Starting, 2 * time.Second}, "busy": {seen.Busy, time.Second}, "idle": {seen.Idle, 6 * time.Second},
		} {
			if d := times[0] - times[1]; d < -DefaultEvery || d > DefaultEvery {
				t.Errorf("%s for %v, want %v", what, times[0], times[1])
			}
		}
	})
}
