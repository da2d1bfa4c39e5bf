package simulate

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// constant keeps so many instances.
type constant int

func (constant) Tell(scaling.Event) bool { return false }
func (n constant) Decide(time.Time) scaling.Decision {
	return scaling.Decision{Instances: int(n), Rest: scaling.Forever}
}

func sharedBy(instances int, pace Pace, arrivals ...time.Duration) Config {
	return Config{
		Policy:   func(time.Time) scaling.Policy { return constant(instances) },
		Arrivals: arrivals, Service: Always(100 * time.Millisecond), Load: Always(time.Second), Pace: pace,
		ContainerConcurrency: 1, For: time.Minute, Points: 1,
	}
}

// packed has instances for two requests each, which go at 0.8 in instances of their own
// and at half of that in the same one.
func packed(instances int, arrivals ...time.Duration) Config {
	c := sharedBy(instances, Pace{1, 0.8}, arrivals...)
	c.Together, c.ContainerConcurrency = Pace{1, 0.5}, 2
	return c
}

func TestRequestsThatShareCores(t *testing.T) {
	const at = 10 * time.Second
	for name, c := range map[string]struct {
		config Config
		want   []time.Duration
	}{
		"one by itself takes its time": {sharedBy(4, Pace{1, 1, 0.5}, at), []time.Duration{100 * time.Millisecond}},
		"two on two cores do not slow each other": {
			sharedBy(4, Pace{1, 1}, at, at), []time.Duration{100 * time.Millisecond, 100 * time.Millisecond},
		},
		"four on two cores take twice the time, as the last pace has it": {
			sharedBy(4, Pace{1, 1}, at, at, at, at),
			[]time.Duration{200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond, 200 * time.Millisecond},
		},
		// Both have 50 ms to do when the second comes; each then goes at half the pace.
		"a later one slows an earlier one for what is left of it": {
			sharedBy(4, Pace{1}, at, at+50*time.Millisecond),
			[]time.Duration{150 * time.Millisecond, 150 * time.Millisecond},
		},
		"one that waits for an instance slows nobody": {
			sharedBy(1, Pace{1, 0.1}, at, at), []time.Duration{100 * time.Millisecond, 200 * time.Millisecond},
		},
		"two in the same instance slow each other more": {
			packed(1, at, at), []time.Duration{250 * time.Millisecond, 250 * time.Millisecond},
		},
		"they are spread over instances where there are any": {
			packed(2, at, at), []time.Duration{125 * time.Millisecond, 125 * time.Millisecond},
		},
		// 50 ms by itself; 50 of the second's 100 are done at 0.4 when the first is over,
		// 125 ms later.
		"and no more than while they are together": {
			packed(1, at, at+50*time.Millisecond), []time.Duration{175 * time.Millisecond, 175 * time.Millisecond},
		},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Run(c.config)
			if err != nil {
				t.Fatal(err)
			}
			var got []time.Duration
			for _, bar := range result.Latency.Bars {
				for range bar.Count {
					got = append(got, time.Duration(bar.UpTo))
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("%v, want %v", got, c.want)
			}
			for n := range got {
				if d := got[n] - c.want[n]; d < -time.Microsecond || d > time.Microsecond {
					t.Errorf("latencies %v, want %v", got, c.want)
				}
			}
		})
	}
}

// M/M/1 with processor sharing has the mean 1/(mu-lambda), whatever the distribution of
// service is; here it is constant, where first come, first served would have 0.75 of that.
func TestSharingAgreesWithTheory(t *testing.T) {
	c := sharedBy(200, Pace{1})
	c.Arrivals, c.For = traces.Poisson(5, 20*time.Hour, 1), 20*time.Hour
	c.Arrivals = c.Arrivals[100:]
	result, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Latency.Mean.Seconds(); math.Abs(got-0.2) > 0.004 {
		t.Errorf("the mean latency is %v s, want 0.2", got)
	}
}

func TestALostInstanceLosesWhatShares(t *testing.T) {
	c := sharedBy(4, Pace{1, 0.9, 0.8})
	c.Arrivals, c.For, c.Seed = traces.Poisson(20, 10*time.Minute, 2), 10*time.Minute, 3
	c.Failures.Life = 5 * time.Second
	result, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != int64(len(c.Arrivals)) || result.Retried == 0 {
		t.Errorf("%d of %d requests are served, %d sent again", result.Requests, len(c.Arrivals), result.Retried)
	}
}

func TestAPaceThatNeverEndsIsRefused(t *testing.T) {
	for _, pace := range []Pace{{0}, {1, -1}, {math.NaN()}, {math.Inf(1)}} {
		if _, err := Run(sharedBy(1, pace, time.Second)); err == nil {
			t.Errorf("%v is simulated", pace)
		}
		m := Measured{Load: []time.Duration{1}, Service: []time.Duration{1}, Pace: pace}
		if functions.KindOf(m.Check()) != functions.Invalid {
			t.Errorf("%v is taken for measured", pace)
		}
	}
}

func TestRequestsInInstancesApart(t *testing.T) {
	const at, ms = 10 * time.Second, time.Millisecond
	for name, test := range map[string]struct {
		instances, places int
		arrivals          []time.Duration
		want              []time.Duration
	}{
		"in instances of their own they do not slow each other": {2, 1, []time.Duration{at, at}, []time.Duration{100 * ms, 100 * ms}},
		"in one instance they do":                               {1, 2, []time.Duration{at, at}, []time.Duration{200 * ms, 200 * ms}},
		"a later one slows an earlier one for what is left of it": {
			1, 2, []time.Duration{at, at + 50*ms}, []time.Duration{150 * ms, 150 * ms},
		},
		// The third finds place in the second instance, and is alone there.
		"only those in the same instance": {2, 2, []time.Duration{at, at, at}, []time.Duration{100 * ms, 200 * ms, 200 * ms}},
	} {
		c := sharedBy(test.instances, Pace{1}, test.arrivals...)
		c.Apart, c.ContainerConcurrency = true, test.places
		result, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for _, bar := range result.Latency.Bars {
			for range bar.Count {
				got = append(got, time.Duration(bar.UpTo).Round(time.Microsecond))
			}
		}
		if !slices.Equal(got, test.want) || result.Wait.Max > functions.Seconds(time.Microsecond) {
			t.Errorf("%s: latencies %v, want %v, waits up to %v", name, got, test.want, result.Wait.Max)
		}
	}
}

// One instance with places for all is M/G/1 with processor sharing, too.
func TestAnInstanceApartAgreesWithTheory(t *testing.T) {
	c := sharedBy(1, Pace{1})
	c.Arrivals, c.For = traces.Poisson(5, 20*time.Hour, 1)[100:], 20*time.Hour
	c.Apart, c.ContainerConcurrency = true, 1000
	result, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Latency.Mean.Seconds(); math.Abs(got-0.2) > 0.004 {
		t.Errorf("the mean latency is %v s, want 0.2", got)
	}
}

func TestALostInstanceApartLosesWhatIsInIt(t *testing.T) {
	c := sharedBy(4, Pace{1, 0.9, 0.8})
	c.Arrivals, c.For, c.Seed = traces.Poisson(20, 10*time.Minute, 2), 10*time.Minute, 3
	c.Failures.Life, c.Apart, c.ContainerConcurrency = 5*time.Second, true, 3
	result, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	if result.Requests != int64(len(c.Arrivals)) || result.Retried == 0 {
		t.Errorf("%d of %d requests are served, %d sent again", result.Requests, len(c.Arrivals), result.Retried)
	}
}

func TestAPaceOnAShareOfTheCores(t *testing.T) {
	two := Pace{1, 1, 2.0 / 3, 0.5} // on two cores
	for share, want := range map[float64]Pace{1: two, 0.5: {1, 0.5}, 0.25: {1}} {
		if got := two.On(share); !slices.Equal(got, want) {
			t.Errorf("on %v of the cores: %v, want %v", share, got, want)
		}
	}
	if got := (Pace{}).On(0.5); len(got) != 0 {
		t.Errorf("of nothing known: %v", got)
	}
}

// The first instance has a request to warm up with, the second, which is started because
// requests wait behind that one, has none: it is ready 30 ms later than it would be.
func TestAStartThatNobodyWaitsForWarmsUpByItself(t *testing.T) {
	ready := map[int]time.Duration{}
	c := sharedBy(0, nil, time.Second, time.Second)
	c.Warmup, c.Pace = Always(30*time.Millisecond), nil
	c.Policy = func(began time.Time) scaling.Policy { return &twice{began: began, ready: ready} }
	if _, err := Run(c); err != nil {
		t.Fatal(err)
	}
	want := map[int]time.Duration{0: 2 * time.Second, 1: 5*time.Second + 30*time.Millisecond} // it is looked every two seconds
	if !maps.Equal(ready, want) {
		t.Errorf("ready at %v, want %v", ready, want)
	}
}

// twice wants one instance once a request has arrived, and a second from three seconds on.
type twice struct {
	began time.Time
	ready map[int]time.Duration
	first bool
}

func (p *twice) Tell(e scaling.Event) bool {
	if e.What == scaling.Ready {
		p.ready[e.Instance] = e.At.Sub(p.began)
	}
	p.first = p.first || e.What == scaling.Arrived
	return p.first
}

func (p *twice) Decide(now time.Time) scaling.Decision {
	switch {
	case !p.first:
		return scaling.Decision{}
	case now.Sub(p.began) < 3*time.Second:
		return scaling.Decision{Instances: 1}
	}
	return scaling.Decision{Instances: 2}
}
