package replay

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestTwoMeasurementsAreOne(t *testing.T) {
	a := simulate.Measured{
		Function: "eye", Machine: "m", Load: []time.Duration{1}, Service: []time.Duration{2, 3}, Pace: simulate.Pace{1, 0.5, 0.25}, Together: simulate.Pace{1, 0.5},
		Phases: map[string][]time.Duration{"load": {1}}, Instance: functions.Held{CPU: 1, Memory: 10},
	}
	b := simulate.Measured{
		Load: []time.Duration{5}, Service: []time.Duration{6}, Pace: simulate.Pace{1, 0.7}, Together: simulate.Pace{1, 1},
		Phases: map[string][]time.Duration{"load": {5}}, FailedStarts: 0.5, Instance: functions.Held{CPU: 1, Memory: 30},
	}
	want := simulate.Measured{
		Function: "eye", Machine: "m", Load: []time.Duration{1, 5}, Service: []time.Duration{2, 3, 6}, Pace: simulate.Pace{1, 0.6}, Together: simulate.Pace{1, 0.75},
		Phases: map[string][]time.Duration{"load": {1, 5}}, FailedStarts: 0.25, Instance: functions.Held{CPU: 1, Memory: 30},
	}
	if diff := cmp.Diff(want, Pooled(a, b)); diff != "" {
		t.Error(diff)
	}
	if len(a.Load) != 1 || len(a.Phases["load"]) != 1 {
		t.Error("the first has changed")
	}
}
