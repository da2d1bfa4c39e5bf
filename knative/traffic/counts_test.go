package traffic

import (
	"math"
	"testing"
)

func TestAWindowIsWhatCameSinceItWasOpened(t *testing.T) {
	at := func(n uint64) Sample { return Sample{"v1": some(n, n/10, 0.1)} }
	for _, tt := range []struct {
		name  string
		steps []map[string]Sample
		ok    uint64
	}{
		{"nothing", nil, 0},
		{"what was before does not count", []map[string]Sample{{"a": at(1000)}}, 0},
		{"the difference", []map[string]Sample{{"a": at(1000)}, {"a": at(1040)}}, 40},
		{"of all gateways", []map[string]Sample{{"a": at(1000), "b": at(5)}, {"a": at(1040), "b": at(7)}}, 42},
		{"one that is missing for a while", []map[string]Sample{{"a": at(10), "b": at(5)}, {"a": at(20)}, {"a": at(30), "b": at(50)}}, 65},
		{"one that comes later counts from then", []map[string]Sample{{"a": at(10)}, {"a": at(10), "b": at(500)}, {"a": at(10), "b": at(507)}}, 7},
		{"one that was restarted", []map[string]Sample{{"a": at(100)}, {"a": at(130)}, {"a": at(20)}, {"a": at(25)}}, 55},
		{"one that was restarted and has nothing yet", []map[string]Sample{{"a": at(100)}, {"a": at(130)}, {"a": {}}, {"a": at(500)}}, 530},
		{"a revision that is new to a known gateway", []map[string]Sample{{"a": {}}, {"a": at(30)}}, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w Window
			for _, step := range tt.steps {
				w.See(step)
			}
			got := w.Of("v1")
			if got.OK != tt.ok || got.Warm.Count() != tt.ok {
				t.Errorf("%d answers, %d in the histogram; want %d", got.OK, got.Warm.Count(), tt.ok)
			}
			if w.Open() != (tt.steps != nil) {
				t.Errorf("open: %v", w.Open())
			}
		})
	}
}

func TestQuantilesLieBetweenBounds(t *testing.T) {
	h := Histogram{Bounds: []float64{0.1, 0.2, 0.4, math.Inf(1)}, Cumulative: []uint64{50, 90, 99, 100}}
	for _, tt := range []struct{ q, want float64 }{{0.25, 0.05}, {0.5, 0.1}, {0.7, 0.15}, {0.99, 0.4}, {0.999, 0.4}} {
		if got := h.Quantile(tt.q); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("quantile %v is %v; want %v", tt.q, got, tt.want)
		}
	}
	if got := (Histogram{}).Quantile(0.99); got != 0 {
		t.Errorf("of nothing it is %v", got)
	}
}

func TestHistogramsOfOtherBoundsAreNotMixed(t *testing.T) {
	a := Histogram{Bounds: []float64{1, 2}, Cumulative: []uint64{3, 4}}
	b := Histogram{Bounds: []float64{1, 3}, Cumulative: []uint64{5, 9}}
	if got := a.plus(b); got.Count() != 9 || got.Bounds[1] != 3 {
		t.Errorf("together they are %+v", got)
	}
}
