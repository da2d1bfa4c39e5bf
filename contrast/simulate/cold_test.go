package simulate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func TestColdRequestsAreKnownApart(t *testing.T) {
	c := simulate.Config{
		Policy:   script{{0, 1}}.policy,
		Arrivals: []time.Duration{0, time.Second, 10 * time.Second, 10 * time.Second}, For: 20 * time.Second, Points: 1,
		Service: simulate.Always(time.Second), Load: simulate.Always(3 * time.Second), ContainerConcurrency: 1,
	}
	alone := run(t, c)
	// The first waits for the start, the second for the first; at 10 s it is there.
	const s = functions.Seconds(time.Second)
	want := simulate.Spread{Mean: 4 * s, P50: 4 * s, P90: 4 * s, P95: 4 * s, P99: 4 * s, P999: 4 * s, Max: 4 * s, Bars: []simulate.Bar{{UpTo: 4 * s, Count: 2}}}
	if diff := cmp.Diff(want, alone.ColdLatency); diff != "" {
		t.Error(diff)
	}
	if alone.Cold != 2 || alone.Latency.Bars[0] != (simulate.Bar{UpTo: s, Count: 1}) {
		t.Errorf("%d cold; all: %+v", alone.Cold, alone.Latency.Bars)
	}
	together, err := simulate.RunFleet(simulate.Fleet{Functions: []simulate.Config{c, c, c}, For: c.For})
	if err != nil {
		t.Fatal(err)
	}
	want.Bars[0].Count = 6
	if diff := cmp.Diff(want, together.Total.ColdLatency); diff != "" || together.Total.Cold != 6 {
		t.Errorf("of three functions %d requests are cold: %s", together.Total.Cold, diff)
	}
}
