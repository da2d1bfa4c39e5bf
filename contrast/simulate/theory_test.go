package simulate_test

import (
	"math"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
)

// exponential is a Distribution of that mean, by its quantiles.
func exponential(mean time.Duration) simulate.Distribution {
	const n = 100_000
	samples := make([]time.Duration, n)
	for i := range samples {
		samples[i] = time.Duration(-math.Log(1-(float64(i)+0.5)/n) * float64(mean))
	}
	return simulate.Samples(samples)
}

// Queues of which the average wait is known by formula: Poisson arrivals at a fixed
// number of servers (Erlang C; Kleinrock, Queueing Systems I, section 3.5), and one
// server with service times that do not vary (Pollaczek and Khinchine, section 5.7).
func TestWaitsAreThoseOfQueueingTheory(t *testing.T) {
	const hours, rate = 20, 8.0
	for _, test := range []struct {
		name    string
		servers int
		service simulate.Distribution
		cc      int
		want    float64 // seconds
	}{
		{"one server, exponential", 1, exponential(100 * time.Millisecond), 1, erlangC(1, rate*0.1) * 0.1 / (1 - rate*0.1)},
		{"ten servers, exponential", 10, exponential(time.Second), 1, erlangC(10, rate) / (10 - rate)},
		{"five instances of two places", 5, exponential(time.Second), 2, erlangC(10, rate) / (10 - rate)},
		{"one server, constant", 1, simulate.Always(100 * time.Millisecond), 1, 0.8 * 0.1 / (2 * (1 - 0.8))},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, simulate.Config{
				Policy: script{{0, test.servers}}.policy, Arrivals: traces.Poisson(rate, hours*time.Hour, 4), For: hours * time.Hour, Seed: 4,
				Service: test.service, Load: simulate.Always(0), ContainerConcurrency: test.cc,
			})
			if got := r.Wait.Mean.Seconds(); math.Abs(got/test.want-1) > 0.05 {
				t.Errorf("requests wait %.4f s on average; the formula says %.4f s", got, test.want)
			}
		})
	}
}

// erlangC is the share of requests that wait at so many servers under a load in Erlang.
func erlangC(servers int, load float64) float64 {
	sum, term := 0.0, 1.0
	for n := range servers {
		sum += term
		term *= load / float64(n+1)
	}
	last := term / (1 - load/float64(servers))
	return last / (sum + last)
}
