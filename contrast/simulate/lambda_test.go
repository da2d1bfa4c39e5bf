package simulate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// On every shipped trace style lambda has a start for each request that found nobody
// idle, and no request waits longer than its own start. The table is that of
// docs/contrast.md.
func TestStyleLambdaOnTheTraces(t *testing.T) {
	lambda := functions.Function{Spec: functions.Spec{Scaling: functions.Scaling{Style: functions.StyleLambda}}}.WithDefaults().Spec.Scaling
	var table strings.Builder
	table.WriteString("| trace | load | service | requests | cold | p99 wait | starts | peak | alive, s | billed, s |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, trace := range traces.Shipped() {
		for _, shape := range []struct{ load, service time.Duration }{
			{time.Second, 100 * time.Millisecond},
			{10 * time.Second, 200 * time.Millisecond},
		} {
			for seed := range uint64(3) {
				r := run(t, simulate.Config{
					Policy:   func(now time.Time) scaling.Policy { return scaling.New(lambda, now) },
					Arrivals: trace.Arrivals(seed), Seed: seed, For: trace.For,
					Service: simulate.LogNormal(shape.service, 0.3), Load: simulate.Always(shape.load),
					ContainerConcurrency: 1,
				})
				if r.Cold != r.Starts || time.Duration(r.Wait.Max) > shape.load {
					t.Errorf("%s, %+v, seed %d: %d requests found nobody, %d starts, the longest wait %v", trace.Name, shape, seed, r.Cold, r.Starts, r.Wait.Max)
				}
				if seed == 0 {
					fmt.Fprintf(&table, "| %s | %v | %v | %d | %d | %.2f s | %d | %d | %.0f | %.0f |\n", trace.Name, shape.load, shape.service,
						r.Requests, r.Cold, r.Wait.P99.Seconds(), r.Starts, r.Peak, r.Instances.Seconds(), (r.Busy + r.Loading).Seconds())
				}
			}
		}
	}
	t.Logf("\n%s", &table)
}
