package replay

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestMeasurementsArePooledAtOneSpeed(t *testing.T) {
	const ms = time.Millisecond
	fast := simulate.Measured{
		Function: "eye", Machine: "m", Load: []time.Duration{100 * ms}, Service: []time.Duration{20 * ms, 20 * ms, 50 * ms}, Rested: []time.Duration{30 * ms},
		Pace: simulate.Pace{1, 0.5, 0.25}, Together: simulate.Pace{1, 0.5}, Computes: 0.5,
		Phases: map[string][]time.Duration{"load": {1}}, Instance: functions.Held{CPU: 1, Memory: 10},
	}
	slow := simulate.Measured{
		Load: []time.Duration{300 * ms}, Service: []time.Duration{40 * ms, 40 * ms}, Pace: simulate.Pace{1, 0.75}, Together: simulate.Pace{1, 1}, Computes: 1,
		Phases: map[string][]time.Duration{"load": {5}}, FailedStarts: 0.5, Instance: functions.Held{CPU: 1, Memory: 30},
	}
	want := simulate.Measured{
		Function: "eye", Machine: "m", Service: []time.Duration{40 * ms, 40 * ms, 100 * ms, 40 * ms, 40 * ms}, Rested: []time.Duration{60 * ms},
		Load: []time.Duration{150 * ms, 300 * ms}, // half of the first one's is waiting, which is as long on any machine
		Pace: simulate.Pace{1, 0.625}, Together: simulate.Pace{1, 0.75}, Computes: 0.75,
		Phases: map[string][]time.Duration{"load": {1, 5}}, FailedStarts: 0.25, Instance: functions.Held{CPU: 1, Memory: 30},
	}
	pooled := Pooled(fast, slow)
	if diff := cmp.Diff(want, pooled); diff != "" {
		t.Error(diff)
	}
	if len(fast.Load) != 1 || len(fast.Phases["load"]) != 1 || fast.Service[0] != 20*ms {
		t.Error("the first has changed")
	}
	beside := Outcome{}.Around(pooled, fast)
	if beside.Service[0] != 20*ms || beside.Service[2] != 50*ms || len(beside.Load) != 2 {
		t.Errorf("as fast as the first one was: %v, %v", beside.Service, beside.Load)
	}
	if diff := cmp.Diff(simulate.Measured{}, Pooled()); diff != "" {
		t.Error(diff)
	}
}

// Half of the requests were slow because of others, which says nothing of the machine; that
// each had a quarter more CPU time does.
func TestTheMachinesSpeedIsToldByCPUTime(t *testing.T) {
	const ms = time.Millisecond
	all := simulate.Measured{Service: []time.Duration{40 * ms}, Work: 40 * ms, Load: []time.Duration{100 * ms}, Computes: 0.8}
	o := Outcome{Plan: Plan{For: 2 * time.Second}, Used: functions.Usage{Starts: 1}}
	for n := range 10 {
		o.Requests = append(o.Requests, Request{At: time.Duration(n) * 100 * ms, Latency: 70 * ms})
	}
	o.Requests = append(o.Requests, Request{Kind: functions.Busy}, Request{At: 1990 * ms, Latency: 70 * ms}) // had none of it, or not in time
	// Ten requests of 50 ms and a start of 100 ms.
	o.Samples = []Sample{{CPU: 7}, {At: time.Second, CPU: 0.5}, {At: 2 * time.Second, CPU: 0.1}}
	if got := o.Around(all); got.Service[0] != 50*ms || got.Work != 50*ms || got.Load[0] != 120*ms {
		t.Errorf("a request takes %v, a start %v", got.Service, got.Load)
	}
	// Twelve requests that were measured beside it took as long as ever.
	same := simulate.Measured{Service: slices.Repeat([]time.Duration{40 * ms}, 12), Work: 40 * ms}
	if got, want := o.Around(all, same).Service[0], 40*ms*(600+480)/(480+480); got != want {
		t.Errorf("with what was measured beside it a request takes %v, want %v", got, want)
	}
	o.Samples[1].CPU = -1
	if got := o.Around(all, simulate.Measured{Service: []time.Duration{60 * ms}}); got.Service[0] != 60*ms {
		t.Errorf("where CPU time is not known it takes %v", got.Service)
	}
}
