package simulate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
)

// overStart are settings under which Knative's autoscaler was measured with the same
// library by a program of its own, once each: the most instances at a time and the
// instance-seconds. Service time 20 ms, Poisson arrivals, 180 s, no maxScale.
var overStart = []struct {
	load    time.Duration
	rate    float64
	cc      int
	peak    int
	seconds float64
}{
	{2 * time.Second, 5, 1, 14, 1028},
	{2 * time.Second, 5, 8, 2, 242},
	{10 * time.Second, 1, 1, 19, 1441},
	{10 * time.Second, 1, 8, 3, 313},
	{10 * time.Second, 5, 1, 63, 4610},
	{10 * time.Second, 5, 8, 8, 676},
	{10 * time.Second, 20, 1, 225, 16090},
	{10 * time.Second, 20, 8, 25, 1882},
	{30 * time.Second, 5, 1, 185, 15242},
	{30 * time.Second, 5, 8, 24, 2042},
}

// seeds is how many runs a row of the tables has.
const seeds = 25

// The table of docs/contrast.md: a steady stream that one instance could serve meets
// a function at zero.
func TestOverStart(t *testing.T) {
	const length = 180 * time.Second
	var table strings.Builder
	table.WriteString("| load | requests/s | cc | KPA: peak | inst.-s | p99 wait | max wait | startup-aware: peak | inst.-s | p99 wait | max wait |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range overStart {
		var theirs, ours []simulate.Result
		for seed := range uint64(seeds) {
			c := simulate.Config{
				Arrivals: traces.Poisson(row.rate, length, seed), Seed: seed, For: length,
				Service: simulate.Always(20 * time.Millisecond), Load: simulate.Always(row.load),
				ContainerConcurrency: row.cc,
			}
			c.Policy = kpa(settings(row.cc))
			theirs = append(theirs, run(t, c))
			c.Policy = startupAware(settings(row.cc))
			ours = append(ours, run(t, c))
			if last := ours[len(ours)-1]; last.Peak > 3 || time.Duration(last.Wait.Max) > row.load*11/10 {
				t.Errorf("%v, %v/s, cc %d, seed %d: startup-aware starts %d and waits for %v", row.load, row.rate, row.cc, seed, last.Peak, last.Wait.Max)
			}
		}
		least, most := slices.MinFunc(theirs, byPeak).Peak, slices.MaxFunc(theirs, byPeak).Peak
		if row.peak < int(least) || row.peak > int(most) {
			t.Errorf("%v, %v/s, cc %d: the KPA's peaks are %d to %d; the other measurement has %d", row.load, row.rate, row.cc, least, most, row.peak)
		}
		fmt.Fprintf(&table, "| %v | %v | %d | %s | %s |\n", row.load, row.rate, row.cc, cells(theirs), cells(ours))
	}
	t.Logf("medians of %d seeds, least to most in brackets\n\n%s", seeds, &table)
}

func byPeak(a, b simulate.Result) int { return int(a.Peak - b.Peak) }

// cells are peak, instance-seconds, p99 and longest wait.
func cells(runs []simulate.Result) string {
	median := func(of func(simulate.Result) float64) (middle, least, most float64) {
		var all []float64
		for _, r := range runs {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2], all[0], all[len(all)-1]
	}
	peak, least, most := median(func(r simulate.Result) float64 { return float64(r.Peak) })
	seconds, _, _ := median(func(r simulate.Result) float64 { return r.Instances.Seconds() })
	p99, _, _ := median(func(r simulate.Result) float64 { return r.Wait.P99.Seconds() })
	longest, _, _ := median(func(r simulate.Result) float64 { return r.Wait.Max.Seconds() })
	return fmt.Sprintf("%.0f (%.0f–%.0f) | %.0f | %.2f s | %.2f s", peak, least, most, seconds, p99, longest)
}
