package replay

import (
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
	beside := Around(pooled, fast)
	if beside.Service[0] != 20*ms || beside.Service[2] != 50*ms || len(beside.Load) != 2 {
		t.Errorf("as fast as the first one was: %v, %v", beside.Service, beside.Load)
	}
	if diff := cmp.Diff(simulate.Measured{}, Pooled()); diff != "" {
		t.Error(diff)
	}
}
