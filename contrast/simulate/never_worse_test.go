package simulate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
)

// The other table of docs/contrast.md: each shipped trace. Every start takes
// as long as another, so that luck with starts decides nothing; requests vary.
func TestStartupAwareIsNeverWorseOnCostAndWaitAtOnce(t *testing.T) {
	var table strings.Builder
	table.WriteString("| trace | load | service | cc | requests | KPA: inst.-s | p99 wait | starts | peak | startup-aware: inst.-s | p99 wait | starts | peak | loses on |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, trace := range traces.Shipped() {
		for _, shape := range []struct {
			load, service time.Duration
			cc            int
		}{
			{time.Second, 100 * time.Millisecond, 1},
			{10 * time.Second, 20 * time.Millisecond, 1},
			{10 * time.Second, 200 * time.Millisecond, 1},
			{10 * time.Second, 200 * time.Millisecond, 4},
			{40 * time.Second, 200 * time.Millisecond, 1},
		} {
			for seed := range uint64(3) {
				c := simulate.Config{
					Arrivals: trace.Arrivals(seed), Seed: seed, For: trace.For,
					Service: simulate.LogNormal(shape.service, 0.3), Load: simulate.Always(shape.load),
					ContainerConcurrency: shape.cc,
				}
				c.Policy = kpa(settings(shape.cc))
				theirs := run(t, c)
				c.Policy = startupAware(settings(shape.cc))
				ours := run(t, c)
				var loses []string
				if ours.Instances > theirs.Instances {
					loses = append(loses, fmt.Sprintf("cost, by %.0f %%", 100*(ours.Instances.Seconds()/theirs.Instances.Seconds()-1)))
				}
				if ours.Wait.P99 > theirs.Wait.P99 {
					loses = append(loses, fmt.Sprintf("p99, by %.2f s", (ours.Wait.P99-theirs.Wait.P99).Seconds()))
				}
				if len(loses) == 2 {
					t.Errorf("%s, %+v, seed %d: startup-aware loses on %s", trace.Name, shape, seed, strings.Join(loses, " and "))
				}
				if seed == 0 {
					fmt.Fprintf(&table, "| %s | %v | %v | %d | %d | %s | %s | %s |\n", trace.Name, shape.load, shape.service, shape.cc, ours.Requests,
						costs(theirs), costs(ours), strings.Join(loses, " and "))
				}
			}
		}
	}
	t.Logf("\n%s", &table)
}

func costs(r simulate.Result) string {
	return fmt.Sprintf("%.0f | %.2f s | %d | %d", r.Instances.Seconds(), r.Wait.P99.Seconds(), r.Starts, r.Peak)
}
