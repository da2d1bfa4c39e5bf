package replay

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/traces"
)

// of is a trace of so many seconds with arrivals at those.
func of(length int, at ...float64) traces.Trace {
	var arrivals []time.Duration
	for _, s := range at {
		arrivals = append(arrivals, time.Duration(s*float64(time.Second)))
	}
	return traces.Trace{Name: "t", For: time.Duration(length) * time.Second, Arrivals: func(uint64) []time.Duration { return arrivals }}
}

func TestPlans(t *testing.T) {
	for name, test := range map[string]struct {
		trace    traces.Trace
		options  PlanOptions
		want     []time.Duration
		from, to time.Duration
	}{
		"a trace is played as it is": {of(10, 1, 2), PlanOptions{}, []time.Duration{time.Second, 2 * time.Second}, 0, 10 * time.Second},
		"time is pressed together":   {of(10, 1, 2), PlanOptions{Compress: 10}, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}, 0, time.Second},
		"of a long trace the busiest stretch is played, and begins with a request": {
			of(100, 1, 50, 51, 52, 90),
			PlanOptions{Longest: 5 * time.Second},
			[]time.Duration{0, time.Second, 2 * time.Second},
			50 * time.Second, 5 * time.Second,
		},
		"where it begins is told in the trace's own time": {
			of(100, 1, 50, 51, 52, 90),
			PlanOptions{Longest: time.Second, Compress: 5},
			[]time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond},
			50 * time.Second, time.Second,
		},
		"a stretch at the end does not reach beyond it": {
			of(10, 8, 9), PlanOptions{Longest: 5 * time.Second}, []time.Duration{3 * time.Second, 4 * time.Second}, 5 * time.Second, 5 * time.Second,
		},
		"a peak that the machine can serve is left whole": {
			of(10, 1, 1.5, 2, 2.5), PlanOptions{MostRate: 2}, []time.Duration{time.Second, 1500 * time.Millisecond, 2 * time.Second, 2500 * time.Millisecond}, 0, 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPlan(test.trace, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, p.Arrivals); diff != "" || p.From != test.from || p.For != test.to {
				t.Errorf("from %v for %v:\n%s", p.From, p.For, diff)
			}
		})
	}
}

func TestAPeakIsHeldByLeavingRequestsOut(t *testing.T) {
	whole, err := NewPlan(traces.Shipped()[0], PlanOptions{Compress: 60, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	held, err := NewPlan(traces.Shipped()[0], PlanOptions{Compress: 60, Seed: 1, MostRate: 100})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(held.Arrivals) || held.For != whole.For {
		t.Error("it is another trace")
	}
	if share := float64(len(held.Arrivals)) / float64(len(whole.Arrivals)); share < 0.9*held.Kept || share > 1.1*held.Kept {
		t.Errorf("%v of it is kept, %v was said", share, held.Kept)
	}
	if peak := held.peak(); peak < 80 || peak > 125 { // a Poisson process's own noise
		t.Errorf("the peak is %v requests a second, 100 were asked for", peak)
	}
	again, _ := NewPlan(traces.Shipped()[0], PlanOptions{Compress: 60, Seed: 1, MostRate: 100})
	if !slices.Equal(held.Arrivals, again.Arrivals) {
		t.Error("the same seed gives another plan")
	}
}

func TestPlansThatMeanNothingAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		trace   traces.Trace
		options PlanOptions
	}{
		"no arrivals":           {of(10), PlanOptions{}},
		"time pulled apart":     {of(10, 1), PlanOptions{Compress: 0.5}},
		"less than nothing":     {of(10, 1), PlanOptions{Longest: -1}},
		"a rate below nothing":  {of(10, 1), PlanOptions{MostRate: -1}},
		"a compression too far": {of(10, 1), PlanOptions{Compress: 1e9}},
	} {
		if _, err := NewPlan(test.trace, test.options); err == nil {
			t.Errorf("%s is planned", name)
		}
	}
}
