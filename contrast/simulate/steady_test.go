package simulate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
)

// A steady stream tells nothing of when its next request comes. What an instance is kept for
// then is seldom worth its cost, unless a start costs as much. The table is that of
// docs/contrast.md.
func TestASteadyStreamCostsNoMoreThanUnderKPA(t *testing.T) {
	var table strings.Builder
	table.WriteString("| requests/s | load | KPA: inst.-s an hour | cold | startup-aware: inst.-s an hour | cold | of KPA's cost |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, load := range []time.Duration{3 * time.Second, 10 * time.Second, 40 * time.Second} {
		for _, rate := range []float64{0.001, 0.003, 0.01, 0.03, 0.1} {
			length := time.Duration(2000 / rate * float64(time.Second))
			c := simulate.Config{
				Arrivals: traces.Poisson(rate, length, 1), Seed: 1, For: length,
				Service: simulate.LogNormal(100*time.Millisecond, 0.3), Load: simulate.Always(load),
				ContainerConcurrency: 1,
			}
			c.Policy = kpa(settings(1))
			theirs := run(t, c)
			c.Policy = startupAware(settings(1))
			ours := run(t, c)
			if ours.Instances > theirs.Instances*101/100 || coldShare(ours) > coldShare(theirs)+0.03 {
				t.Errorf("%g requests/s, starts of %v: startup-aware costs %v s and has %.2f of its requests cold, KPA %v s and %.2f",
					rate, load, ours.Instances.Seconds(), coldShare(ours), theirs.Instances.Seconds(), coldShare(theirs))
			}
			fmt.Fprintf(&table, "| %g | %v | %s | %s | %.2f |\n", rate, load, hourly(theirs), hourly(ours), ours.Instances.Seconds()/theirs.Instances.Seconds())
		}
	}
	t.Logf("\n%s", &table)
}

// hourly is instance-seconds an hour and the share of cold requests.
func hourly(r simulate.Result) string {
	return fmt.Sprintf("%.0f | %.0f %%", 3600*r.Instances.Seconds()/r.For.Seconds(), 100*coldShare(r))
}

func coldShare(r simulate.Result) float64 { return float64(r.Cold) / float64(r.Requests) }
