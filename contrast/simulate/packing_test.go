package simulate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
)

// twoCores is the pace that centernet was measured to have on two cores by themselves.
var twoCores = simulate.Pace{1, 0.91, 0.62, 0.445}

// Packing is cheap up to as many requests as the instance has cores, and beyond that moves
// the wait from before the instance into it. The table is that of docs/contrast.md.
func TestPacking(t *testing.T) {
	trace, err := traces.Named("rush-hour")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| containerConcurrency | KPA: inst.-s | p50 | p99 | peak | startup-aware: inst.-s | p50 | p99 | peak |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	runs := map[string]simulate.Result{}
	for _, places := range []int{1, 2, 4, 8, 16} {
		c := simulate.Config{
			Arrivals: trace.Arrivals(1), For: trace.For, Seed: 1, Pace: twoCores, Apart: true,
			Service: simulate.LogNormal(200*time.Millisecond, 0.3), Load: simulate.Always(3 * time.Second),
			ContainerConcurrency: places,
		}
		fmt.Fprintf(&table, "| %d ", places)
		for _, policy := range []string{"kpa", "startup-aware"} {
			c.Policy = kpa(settings(places))
			if policy == "startup-aware" {
				c.Policy = startupAware(settings(places))
			}
			r := run(t, c)
			runs[fmt.Sprint(policy, " ", places)] = r
			fmt.Fprintf(&table, "| %.0f | %.2f s | %.2f s | %d ", r.Instances.Seconds(), r.Latency.P50.Seconds(), r.Latency.P99.Seconds(), r.Peak)
		}
		table.WriteString("|\n")
	}
	t.Logf("\n%s", &table)
	for _, policy := range []string{"kpa", "startup-aware"} {
		one, two, eight := runs[policy+" 1"], runs[policy+" 2"], runs[policy+" 8"]
		if two.Instances > one.Instances*3/4 || two.Latency.P50 > one.Latency.P50*5/4 {
			t.Errorf("%s: two requests on two cores cost %v s, half within %v s; one %v s, %v s",
				policy, two.Instances.Seconds(), two.Latency.P50.Seconds(), one.Instances.Seconds(), one.Latency.P50.Seconds())
		}
		if eight.Latency.P99 < two.Latency.P99*5/4 {
			t.Errorf("%s: eight requests on two cores have a p99 of %v s, two %v s", policy, eight.Latency.P99.Seconds(), two.Latency.P99.Seconds())
		}
	}
}
