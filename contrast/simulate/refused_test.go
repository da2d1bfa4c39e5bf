package simulate_test

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// Beyond its bound style lambda refuses at once, as AWS does with 429: nobody waits for a
// place. Who is there is who waits for a start of its own, or is worked on.
func TestBeyondItsBoundStyleLambdaRefusesAtOnce(t *testing.T) {
	const load, service = time.Second, 200 * time.Millisecond
	for seed := range uint64(20) {
		for _, most := range []int{1, 3, 6} {
			s := under(functions.Scaling{Style: functions.StyleLambda, Lambda: functions.Lambda{ReservedConcurrency: most}})
			c := simulate.Config{
				Arrivals: traces.Poisson(15, time.Minute, seed), For: time.Minute, Seed: seed,
				Service: simulate.Always(service), Load: simulate.Always(load),
			}
			got := run(t, c.Under(s))

			var ends []time.Duration // of those that are there
			idle, starts, refused := 0, int64(0), int64(0)
			for _, at := range c.Arrivals {
				var left []time.Duration
				for _, end := range ends {
					if end > at {
						left = append(left, end)
					} else {
						idle++
					}
				}
				ends = left
				switch {
				case len(ends) == most:
					refused++
				case idle > 0:
					idle--
					ends = append(ends, at+service)
				default:
					starts++
					ends = append(ends, at+load+service)
				}
			}
			if refused == 0 || got.Refused != refused || got.Starts != starts || got.Cold != starts || got.Requests+refused != int64(len(c.Arrivals)) {
				t.Errorf("seed %d, %d at a time: %d refused, %d starts, %d cold of %d; want %d refused and %d starts",
					seed, most, got.Refused, got.Starts, got.Cold, got.Requests, refused, starts)
			}
			if got.Latency.Max > functions.Seconds(load+service) {
				t.Errorf("seed %d, %d at a time: somebody waited for a place, %v s in all", seed, most, got.Latency.Max.Seconds())
			}
		}
	}
}
