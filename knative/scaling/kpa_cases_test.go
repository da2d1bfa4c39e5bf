package scaling

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"knative.dev/serving/pkg/autoscaler/aggregation"
	knative "knative.dev/serving/pkg/autoscaler/scaling"

	"github.com/seed45885407/saccade/functions"
)

// What the library's own tests ask of it (knative.dev/serving v0.42.2,
// pkg/autoscaler/scaling/autoscaler_test.go), asked of the library inside a KPA: the
// same settings and numbers must come to the same number of pods, read through the
// KPA's own measuring and counting of instances.

// asked is one question: what is measured, how many pods are ready, what must come of
// it. Left out here are the tests of what Saccade does not call: exported metrics, excess
// burst capacity, Update, and a pod counter that fails.
type asked struct {
	at             time.Duration
	stable, panics float64
	ready          int
	want           int
}

func TestKPAOnTheOriginalsOwnCases(t *testing.T) {
	const s, m = time.Second, time.Minute
	usual := knative.DeciderSpec{
		ScalingMetric: "concurrency", TargetValue: 10, TotalValue: 10 / 0.75, TargetBurstCapacity: 100, PanicThreshold: 2,
		MaxScaleUpRate: 10, MaxScaleDownRate: 10, ActivatorCapacity: 150, StableWindow: m, Reachable: true,
	}
	with := func(change func(*knative.DeciderSpec)) knative.DeciderSpec {
		spec := usual
		change(&spec)
		return spec
	}
	target := func(value float64) knative.DeciderSpec {
		return with(func(d *knative.DeciderSpec) { d.TargetValue, d.TotalValue = value, value/0.75 })
	}
	delayed := func(delay time.Duration) knative.DeciderSpec {
		return knative.DeciderSpec{TargetValue: 10, MaxScaleDownRate: 10, MaxScaleUpRate: 10, PanicThreshold: 100, ScaleDownDelay: delay}
	}
	for _, test := range []struct {
		name    string
		spec    knative.DeciderSpec
		created int // pods that are ready when the autoscaler is made
		asked   []asked
	}{
		{"a scale-down delay holds the highest of its time", delayed(5 * m), 0, []asked{
			{2 * s, 40, 40, 0, 4},
			{5 * m, 0, 0, 0, 4},
			{5*m + 2*s, 0, 0, 0, 0},
			{9 * m, 40, 40, 0, 4},
			{10 * m, 30, 30, 0, 4},
			{11 * m, 0, 0, 0, 4},
			{14 * m, 0, 0, 0, 3},
			{15 * m, 0, 0, 0, 0},
		}},
		{"without a delay it goes down at once", delayed(0), 0, []asked{
			{0, 40, 40, 0, 4},
			{500 * time.Millisecond, 20, 20, 0, 2},
		}},
		{"the stable concurrency rises", usual, 1, []asked{{0, 50, 10, 1, 5}, {0, 100, 10, 1, 10}}},
		{"the stable rate rises", with(func(d *knative.DeciderSpec) { d.ScalingMetric = "rps" }), 1, []asked{{0, 50, 50, 1, 5}, {0, 100, 99, 1, 10}}},
		{"panic ends after a slow increase", target(1), 1, []asked{
			{0, 11, 25, 10, 25},
			{30 * s, 30, 41, 40, 41},
			{62 * s, 50, 56, 55, 50},
		}},
		{"a surge goes on and panic with it", target(1), 1, []asked{{0, 11, 25, 10, 25}, {30 * s, 30, 80, 40, 80}}},
		{"the stable concurrency falls", usual, 1, []asked{{0, 100, 100, 8, 10}, {0, 50, 50, 8, 5}}},
		{"without traffic it goes to zero", usual, 1, []asked{{0, 1, 0, 1, 1}, {0, 0, 0, 1, 0}}},
		{"activation scale is the least above zero", with(func(d *knative.DeciderSpec) { d.ActivationScale = 2 }), 1, []asked{{0, 0, 0, 1, 0}, {0, 1, 0, 1, 2}}},
		{"panic follows exponential growth and stays", target(1), 1, []asked{
			{0, 6, 6, 1, 6},
			{0, 36, 36, 6, 36},
			{1 * s, 216, 216, 36, 216},
			{1 * s, 1296, 1296, 216, 1296},
			{2 * s, 1296, 1296, 1296, 1296},
		}},
		{"zeros want nothing", usual, 1, []asked{{0, 0, 0, 1, 0}}},
		{"an unlimited burst capacity changes nothing", with(func(d *knative.DeciderSpec) { d.TargetValue, d.TotalValue, d.TargetBurstCapacity = 181, 181/0.75, -1 }), 1, []asked{{0, 21, 26, 1, 1}}},
		{"nor does one of zero", with(func(d *knative.DeciderSpec) { d.TargetBurstCapacity = 0 }), 1, []asked{{0, 50, 49, 1, 5}}},
		{"no change", usual, 1, []asked{{0, 50, 50, 1, 5}}},
		{"no change where it is scaled already", usual, 1, []asked{{0, 50, 50, 5, 5}}},
		{"in panic the stable value counts where it is larger", target(1), 5, []asked{{0, 50, 30, 5, 50}}},
		{"in panic the panic value counts where that is larger", target(1), 5, []asked{{0, 20, 30, 5, 30}}},
		{"a small rate of scaling up still adds one", with(func(d *knative.DeciderSpec) { d.TargetValue, d.TotalValue, d.MaxScaleUpRate = 1, 1/0.75, 1.1 }), 1, []asked{{0, 3, 3.1, 2, 3}}},
		{"a small rate of scaling down bounds it", with(func(d *knative.DeciderSpec) { d.MaxScaleDownRate = 1.1 }), 1, []asked{{0, 1, 1, 100, 90}}},
		{"unless the revision cannot be reached", with(func(d *knative.DeciderSpec) { d.MaxScaleDownRate, d.Reachable = 1.1, false }), 1, []asked{{0, 1, 1, 100, 1}}},
		{"panic takes precedence and keeps to the rate", usual, 1, []asked{{0, 50, 100, 1, 10}}},
		{"it comes down when panic is over", usual, 1, []asked{
			{0, 100, 100, 1, 10},
			{0, 100, 1000, 10, 100},
			{30 * s, 1, 1, 10, 100},
			{61 * s, 1, 1, 10, 1},
		}},
		{"tenfold at most, upwards", usual, 1, []asked{{0, 1000, 1001, 1, 10}, {0, 1000, 1001, 10, 100}}},
		{"tenfold at most, downwards", usual, 1, []asked{{0, 1, 1, 100, 10}, {0, 1, 1, 10, 1}}},
		{"no ready pod counts as one", usual, 1, []asked{{0, 1000, 888, 0, 10}}},
		// Made with two pods or more it begins in panic, and with one or none it does not.
		{"it begins in panic with two pods", with(func(d *knative.DeciderSpec) { d.TargetValue, d.PanicThreshold = 100, 220 }), 2, []asked{{0, 10, 10, 2, 2}, {61 * s, 10, 10, 2, 1}}},
		{"it does not with one", with(func(d *knative.DeciderSpec) { d.TargetValue, d.PanicThreshold = 100, 220 }), 1, []asked{{0, 10, 10, 2, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			began := time.Now() // one that is made in panic reads the clock itself
			k := NewKPA(functions.Function{}.WithDefaults().Spec.Scaling, began)
			k.scaling.Metric = test.spec.ScalingMetric
			k.setReady(test.created)
			k.kpa = knative.New(context.Background(), "local", "case", client{k}, counter{k}, &test.spec)
			for n, a := range test.asked {
				now := began.Add(a.at)
				k.measure(now, a.stable, a.panics)
				k.setReady(a.ready)
				got := k.kpa.Scale(k.log, now)
				if !got.ScaleValid || int(got.DesiredPodCount) != a.want {
					t.Errorf("question %d at %v: %+v, want %d pods", n, a.at, got, a.want)
				}
			}
		})
	}
}

// setReady makes that many instances ready, told as a platform tells it.
func (k *KPA) setReady(n int) {
	for i := range max(n, len(k.instances)) {
		_, there := k.instances[i]
		switch {
		case i < n && !there:
			k.Tell(Event{What: Starting, Instance: i})
			k.Tell(Event{What: Ready, Instance: i})
		case i >= n && there:
			k.Tell(Event{What: Ended, Instance: i})
		}
	}
}

// measure makes the windows hold one sample each, so that their averages are these.
func (k *KPA) measure(now time.Time, stable, panics float64) {
	k.recorded = true
	window := func(value float64) *aggregation.TimedFloat64Buckets {
		b := aggregation.NewTimedFloat64Buckets(time.Second, time.Second)
		b.Record(now, value)
		return b
	}
	k.stable, k.panicking = window(stable), window(panics)
}

// Where nothing was measured the original answers that it cannot say, and a KPA stays
// at what it wanted.
func TestKPAStaysWhereNothingWasMeasured(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k := NewKPA(functions.Function{}.WithDefaults().Spec.Scaling, began)
	if _, _, err := (client{k}).measured(began); err == nil {
		t.Error("something was measured")
	}
	if got := k.kpa.Scale(zap.NewNop().Sugar(), began); got.ScaleValid {
		t.Errorf("the original says %+v", got)
	}
	k.wanted = 3
	if d := k.Decide(began); d.Instances != 3 {
		t.Errorf("%d wanted: %s", d.Instances, d.Reason)
	}
}
