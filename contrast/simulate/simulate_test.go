package simulate_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// script is a policy that wants what it is told to, from that time on.
type script []struct {
	from   time.Duration
	wanted int
}

func (s script) policy(began time.Time) scaling.Policy { return scripted{s, began} }

type scripted struct {
	script
	began time.Time
}

func (s scripted) Tell(scaling.Event) bool { return false }

func (s scripted) Decide(now time.Time) (d scaling.Decision) {
	for _, step := range s.script {
		if now.Sub(s.began) >= step.from {
			d.Instances = step.wanted
		}
	}
	return d
}

func TestRun(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	type sec = functions.Seconds
	for _, test := range []struct {
		name string
		simulate.Config
		script script
		want   simulate.Result
	}{
		{
			"one instance, started at once, serves one after the other",
			simulate.Config{Arrivals: []time.Duration{0, 0, 10 * s}, ContainerConcurrency: 1},
			script{{0, 1}},
			simulate.Result{
				Requests: 3, Cold: 2, Starts: 1, Peak: 1, Instances: sec(20 * s), Loading: sec(3 * s), Busy: sec(3 * s), Idle: sec(14 * s),
				Wait: simulate.Spread{P50: sec(3 * s), P95: sec(4 * s), P99: sec(4 * s), Max: sec(4 * s)},
			},
		},
		{
			"two places in an instance serve two at a time",
			simulate.Config{Arrivals: []time.Duration{0, 0, 0}, ContainerConcurrency: 2},
			script{{0, 1}},
			simulate.Result{
				Requests: 3, Cold: 3, Starts: 1, Peak: 1, Instances: sec(20 * s), Loading: sec(3 * s), Busy: sec(2 * s), Idle: sec(15 * s),
				Wait: simulate.Spread{P50: sec(3 * s), P95: sec(4 * s), P99: sec(4 * s), Max: sec(4 * s)},
			},
		},
		{
			"the newest goes first, after its last request, and is paid until then",
			simulate.Config{Arrivals: []time.Duration{3500 * ms, 3500 * ms}, ContainerConcurrency: 1},
			script{{0, 2}, {4 * s, 1}},
			simulate.Result{
				Requests: 2, Starts: 2, Peak: 2, Instances: sec(24500 * ms), Loading: sec(6 * s), Busy: sec(2 * s), Idle: sec(16500 * ms),
			},
		},
		{
			"one that loads is never the one to go, but goes when it is ready",
			simulate.Config{ContainerConcurrency: 1},
			script{{0, 1}, {2 * s, 0}},
			simulate.Result{Starts: 1, Peak: 1, Instances: sec(3 * s), Loading: sec(3 * s)},
		},
		{
			"a full cluster starts no more before one has gone",
			simulate.Config{
				Arrivals: []time.Duration{3900 * ms, 3900 * ms}, Service: simulate.Always(5 * s),
				ContainerConcurrency: 1, Capacity: 2,
			},
			script{{0, 2}, {4 * s, 0}, {6 * s, 5}}, // both finish their requests until 8.9 s
			simulate.Result{
				Requests: 2, Starts: 4, Peak: 2, Instances: sec(40 * s), Loading: sec(12 * s), Busy: sec(10 * s), Idle: sec(18 * s),
			},
		},
		{
			"who still waits at the end is served, and nothing after the end is paid for",
			simulate.Config{Arrivals: []time.Duration{19 * s, 20 * s}, ContainerConcurrency: 1},
			script{{18 * s, 1}},
			simulate.Result{
				Requests: 2, Cold: 2, Starts: 1, Peak: 1, Instances: sec(2 * s), Loading: sec(2 * s),
				Wait: simulate.Spread{P50: sec(2 * s), P95: sec(2 * s), P99: sec(2 * s), Max: sec(2 * s)},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.Config
			c.Policy, c.For = test.script.policy, 20*s
			c.Load = simulate.Always(3 * s)
			if c.Service.IsZero() {
				c.Service = simulate.Always(s)
			}
			got := run(t, c)
			got.Handled, got.For, got.Latency, got.ColdLatency = 0, 0, simulate.Spread{}, simulate.Spread{}
			got.Wait.Mean, got.Wait.P90, got.Wait.P999 = 0, 0, 0
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestRunRefusesWhatMeansNothing(t *testing.T) {
	for name, spoil := range map[string]func(*simulate.Config){
		"no policy":                        func(c *simulate.Config) { c.Policy = nil },
		"no service time":                  func(c *simulate.Config) { c.Service = simulate.Distribution{} },
		"no room in an instance":           func(c *simulate.Config) { c.ContainerConcurrency = 0 },
		"a cluster of less than nothing":   func(c *simulate.Config) { c.Capacity = -1 },
		"no time":                          func(c *simulate.Config) { c.For = 0 },
		"arrivals that go back in time":    func(c *simulate.Config) { c.Arrivals = []time.Duration{2, 1} },
		"arrivals before the beginning":    func(c *simulate.Config) { c.Arrivals = []time.Duration{-1} },
		"arrivals after the end":           func(c *simulate.Config) { c.Arrivals = []time.Duration{time.Hour} },
		"requests that are never answered": func(c *simulate.Config) { c.Policy = script{}.policy },
	} {
		t.Run(name, func(t *testing.T) {
			c := simulate.Config{
				Policy: kpa(settings(1)), Arrivals: []time.Duration{time.Second}, For: time.Minute,
				Service: simulate.Always(1), Load: simulate.Always(1), ContainerConcurrency: 1,
			}
			run(t, c)
			spoil(&c)
			if result, err := simulate.Run(c); err == nil {
				t.Errorf("it ran: %+v", result)
			}
		})
	}
}

// awake hides a policy's rest, so that it is asked at every tick.
type awake struct{ scaling.Policy }

func (a awake) Decide(now time.Time) scaling.Decision {
	d := a.Policy.Decide(now)
	d.Rest = 0
	return d
}

func TestTheSameAgain(t *testing.T) {
	type policy = func(time.Time) scaling.Policy
	policies := map[string]policy{"kpa": kpa(settings(2)), "startup-aware": startupAware(settings(2))}
	for _, trace := range traces.Shipped() {
		for name, policy := range policies {
			c := simulate.Config{
				Policy: policy, Arrivals: trace.Arrivals(3), For: trace.For, Seed: 3, Capacity: 8, ContainerConcurrency: 2,
				Service: simulate.LogNormal(150*time.Millisecond, 0.4), Load: simulate.LogNormal(8*time.Second, 0.2),
			}
			text := func() string {
				result := run(t, c)
				if sum := result.Loading + result.Busy + result.Idle; sum != result.Instances || int(result.Requests) != len(c.Arrivals) || result.Peak > 8 {
					t.Errorf("%s, %s: it does not add up: %+v", trace.Name, name, result)
				}
				result.Handled = 0
				line, err := json.Marshal(result)
				if err != nil {
					t.Fatal(err)
				}
				return string(line)
			}
			once := text()
			if again := text(); once != again {
				t.Errorf("%s, %s: the same seed came to\n%s\n%s", trace.Name, name, once, again)
			}
			c.Policy = func(now time.Time) scaling.Policy { return awake{policy(now)} }
			if again := text(); once != again {
				t.Errorf("%s, %s: without rest it came to\n%s\n%s", trace.Name, name, once, again)
			}
			c.Policy, c.Seed = policy, 4
			if once == text() {
				t.Errorf("%s, %s: another seed came to the same", trace.Name, name)
			}
		}
	}
}

func TestWhyTellsEveryChange(t *testing.T) {
	var wanted []int
	c := simulate.Config{
		Policy: startupAware(settings(1)), Arrivals: []time.Duration{time.Second}, For: 5 * time.Minute,
		Service: simulate.Always(1), Load: simulate.Always(time.Second), ContainerConcurrency: 1,
		Why: func(_ time.Duration, n int, reason scaling.Reason) {
			wanted = append(wanted, n)
			if reason.String() == "" {
				t.Error("a change without a reason")
			}
		},
	}
	run(t, c)
	if diff := cmp.Diff([]int{1, 0}, wanted); diff != "" {
		t.Error(diff)
	}
}

// An hour at 100 requests a second, at zero at first.
func BenchmarkRun(b *testing.B) {
	for name, policy := range map[string]func(time.Time) scaling.Policy{"kpa": kpa(settings(1)), "startup-aware": startupAware(settings(1))} {
		b.Run(name, func(b *testing.B) {
			c := simulate.Config{
				Policy: policy, Arrivals: traces.Poisson(100, time.Hour, 1), For: time.Hour, Seed: 1, ContainerConcurrency: 1,
				Service: simulate.LogNormal(50*time.Millisecond, 0.3), Load: simulate.Always(5 * time.Second),
			}
			events := int64(0)
			for b.Loop() {
				events += run(b, c).Handled
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
