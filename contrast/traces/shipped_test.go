package traces_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/traces"
)

func TestTracesAreTheSameForASeedAndInOrder(t *testing.T) {
	for _, trace := range traces.Shipped() {
		t.Run(trace.Name, func(t *testing.T) {
			once, again := trace.Arrivals(7), trace.Arrivals(7)
			if diff := cmp.Diff(once, again); diff != "" {
				t.Error(diff)
			}
			if slices.Equal(once, trace.Arrivals(8)) {
				t.Error("two seeds give the same trace")
			}
			if len(once) < 10 || !slices.IsSorted(once) || once[0] < 0 || once[len(once)-1] > trace.For {
				t.Errorf("%d arrivals, or one outside the trace", len(once))
			}
		})
	}
}
