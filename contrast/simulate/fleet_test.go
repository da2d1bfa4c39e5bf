package simulate_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

func runFleet(t testing.TB, f simulate.Fleet) simulate.FleetResult {
	t.Helper()
	result, err := simulate.RunFleet(f)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// crowded is a small fleet on nodes that are too few, and that fail, as its instances
// and starts do.
func crowded(settings functions.Scaling) simulate.Fleet {
	f := simulate.Fleet{For: 2 * time.Hour, Seed: 5, Points: 24}
	like := simulate.Config{
		Service:  simulate.LogNormal(300*time.Millisecond, 0.5),
		Load:     simulate.LogNormal(4*time.Second, 0.3),
		Pull:     simulate.Always(6 * time.Second),
		Failures: simulate.Failures{Starts: 0.1, Life: 20 * time.Minute},
		Held:     functions.Held{CPU: 1, Memory: 1 << 30},
		Prices:   new(simulate.DefaultPrices()),
	}.Under(settings)
	for n := range 40 {
		c := like
		c.Function, c.Seed = fmt.Sprint(n), uint64(n)
		c.Arrivals = traces.Poisson(0.2*float64(1+n%5), f.For, uint64(n))
		c.Held.CPU = float64(1 + n%2)
		f.Functions = append(f.Functions, c)
	}
	for range 4 {
		f.Nodes = append(f.Nodes, simulate.Node{CPU: 8, Memory: 16 << 30, Images: 12, Life: time.Hour, Repair: 5 * time.Minute})
	}
	return f
}

func TestTheSameBytesOnAnyNumberOfCores(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	for _, style := range styles {
		for name, f := range map[string]simulate.Fleet{
			"crowded nodes": crowded(style.Scaling),
			"no nodes":      population(200, 2*time.Hour, style.Scaling, 0),
		} {
			var first string
			for _, cores := range []int{1, 2, 7} {
				runtime.GOMAXPROCS(cores)
				text, err := json.Marshal(runFleet(t, f))
				if err != nil {
					t.Fatal(err)
				}
				if first == "" {
					first = string(text)
				} else if first != string(text) {
					t.Errorf("%s, %s: %d cores come to another result:\n%s", style.name, name, cores, cmp.Diff(first, string(text)))
				}
			}
		}
	}
}

// Nodes that never fill and never fail change nothing.
func TestNodesWithRoomForAllAreLikeNone(t *testing.T) {
	for _, style := range styles {
		f := crowded(style.Scaling)
		for n := range f.Functions {
			f.Functions[n].Pull = simulate.Distribution{}
		}
		f.Nodes = []simulate.Node{{CPU: 1e6, Memory: 1 << 60}}
		bounded := runFleet(t, f)
		if bounded.Nodes.Placed != bounded.Total.Starts || bounded.Nodes.Waited != 0 {
			t.Errorf("%s: %+v", style.name, bounded.Nodes)
		}
		f.Nodes, bounded.Nodes = nil, nil
		if diff := cmp.Diff(runFleet(t, f), bounded); diff != "" {
			t.Errorf("%s: -no nodes +nodes\n%s", style.name, diff)
		}
	}
}

// A function of a fleet fares as it does alone.
func TestAFunctionInAFleetIsLikeOneAlone(t *testing.T) {
	f := crowded(styles[0].Scaling)
	f.Nodes = nil
	each := runFleet(t, f).Each
	for n, c := range f.Functions {
		c.For = f.For
		if diff := cmp.Diff(run(t, c), each[n]); diff != "" {
			t.Errorf("function %d: -alone +in the fleet\n%s", n, diff)
		}
	}
}

func TestWhatHoldsOnCrowdedNodes(t *testing.T) {
	for _, strategy := range []simulate.Strategy{simulate.LeastAllocated, simulate.MostAllocated, simulate.FirstFit} {
		for _, style := range styles {
			f := crowded(style.Scaling)
			f.Strategy = strategy
			arrivals := 0
			for _, c := range f.Functions {
				arrivals += len(c.Arrivals)
			}
			r := runFleet(t, f)
			total, nodes := r.Total, r.Nodes
			if int(total.Requests+total.Refused) != arrivals {
				t.Errorf("%s, %s: %d of %d requests were served", strategy, style.name, total.Requests, arrivals)
			}
			if total.Instances != total.Loading+total.Busy+total.Idle || total.Loading < 0 || total.Idle < 0 {
				t.Errorf("%s, %s: it does not add up: %+v", strategy, style.name, total)
			}
			for _, share := range []float64{nodes.CPU, nodes.Memory} {
				if share <= 0 || share > 1 {
					t.Errorf("%s, %s: nodes held more than they have: %+v", strategy, style.name, nodes)
				}
			}
			if nodes.Failures == 0 || nodes.Waited == 0 || total.Pending == 0 || total.Lost == 0 || total.Retried == 0 || total.FailedStarts == 0 || total.Pulls == 0 {
				t.Errorf("%s, %s: nothing went wrong: %+v, %+v", strategy, style.name, total, nodes)
			}
			// The series is the same time, cut in steps.
			var loading, busy, idle, pending float64
			var came int64
			for _, p := range total.Series {
				loading, busy, idle, pending, came = loading+p.Loading, busy+p.Busy, idle+p.Idle, pending+p.Pending, came+p.Arrivals
			}
			for name, pair := range map[string][2]float64{
				"loading": {loading, total.Loading.Seconds()}, "busy": {busy, total.Busy.Seconds()},
				"idle": {idle, total.Idle.Seconds()}, "pending": {pending, total.Pending.Seconds()},
			} {
				if off := pair[0]*total.Step.Seconds() - pair[1]; off > 1e-3 || off < -1e-3 {
					t.Errorf("%s, %s: the series has %.3f s more %s than the sum of %.3f s", strategy, style.name, off, name, pair[1])
				}
			}
			if int(came) != arrivals {
				t.Errorf("%s, %s: the series has %d arrivals of %d", strategy, style.name, came, arrivals)
			}
		}
	}
}

// one is a function of one request now and then, on nodes.
func one(held functions.Held, arrivals ...time.Duration) simulate.Config {
	return simulate.Config{
		Policy: script{{0, 1}}.policy, Arrivals: arrivals, ContainerConcurrency: 1, Held: held,
		Service: simulate.Always(time.Second), Load: simulate.Always(2 * time.Second),
	}
}

func TestNodes(t *testing.T) {
	const s = time.Second
	half, gpu := functions.Held{CPU: 4}, functions.Held{CPU: 1, GPUs: 1, Device: "l4"}
	t.Run("an instance waits for place, and takes it when another has gone", func(t *testing.T) {
		first, second := one(half, 0), one(half, 0)
		first.Policy = script{{0, 1}, {10 * s, 0}}.policy
		r := runFleet(t, simulate.Fleet{Functions: []simulate.Config{first, second}, Nodes: []simulate.Node{{CPU: 4}}, For: 20 * s})
		if got := r.Each[1]; time.Duration(got.Pending) != 10*s || time.Duration(got.Wait.Max) != 12*s || r.Nodes.Waited != 1 || r.Nodes.PeakPending != 1 {
			t.Errorf("%+v, %+v", got, r.Nodes)
		}
		if r.Nodes.CPU != 1 { // the node was full all the time
			t.Errorf("%+v", r.Nodes)
		}
	})
	t.Run("one that waits for place is the first to be given up", func(t *testing.T) {
		first, second := one(half, 0), one(half)
		second.Policy = script{{0, 1}, {6 * s, 0}}.policy
		r := runFleet(t, simulate.Fleet{Functions: []simulate.Config{first, second}, Nodes: []simulate.Node{{CPU: 4}}, For: 20 * s})
		if got := r.Each[1]; got.Withdrawn != 1 || time.Duration(got.Pending) != 6*s || got.Instances != 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a node's failure takes its instances, and their requests go elsewhere", func(t *testing.T) {
		c := one(half)
		for n := range 300 {
			c.Arrivals = append(c.Arrivals, time.Duration(n)*2*s)
		}
		r := runFleet(t, simulate.Fleet{
			Functions: []simulate.Config{c}, For: 600 * s, Seed: 1,
			Nodes: []simulate.Node{{CPU: 4, Life: 100 * s, Repair: 20 * s}, {CPU: 4, Life: 100 * s, Repair: 20 * s}},
		})
		if got := r.Each[0]; got.Requests != 300 || got.Lost == 0 || r.Nodes.Failures == 0 || got.Starts != 1+got.Lost+got.FailedStarts {
			t.Errorf("%+v, %+v", got, r.Nodes)
		}
	})
	t.Run("a GPU is had where it is, of its class", func(t *testing.T) {
		f := simulate.Fleet{Functions: []simulate.Config{one(gpu, 0)}, Nodes: []simulate.Node{{CPU: 64}, {CPU: 2, GPUs: 1, Device: "l4"}}, For: 20 * s}
		if r := runFleet(t, f); r.Nodes.GPU != 1 {
			t.Errorf("%+v", r.Nodes)
		}
		f.Nodes[1].Device = "h100"
		if _, err := simulate.RunFleet(f); err == nil || !strings.Contains(err.Error(), "fits no node") {
			t.Errorf("an H100 was taken for an L4: %v", err)
		}
	})
	t.Run("the first start on a node fetches the image, the next finds it", func(t *testing.T) {
		c := one(half, 0, 30*s)
		c.Policy = script{{0, 1}, {10 * s, 0}, {30 * s, 1}}.policy
		c.Pull = simulate.Always(5 * s)
		r := runFleet(t, simulate.Fleet{Functions: []simulate.Config{c}, Nodes: []simulate.Node{{CPU: 4}}, For: 60 * s}).Each[0]
		if r.Pulls != 1 || time.Duration(r.Wait.Max) != 7*s || time.Duration(r.Wait.P50) != 2*s {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a node keeps as many images as it has place for", func(t *testing.T) {
		var f simulate.Fleet
		for n := range 2 {
			c := one(half, 0)
			c.Function, c.Pull = fmt.Sprint(n), simulate.Always(5*s)
			c.Policy = script{{0, 1}, {10 * s, 0}, {30 * s, 1}}.policy
			f.Functions = append(f.Functions, c)
		}
		f.Nodes, f.For = []simulate.Node{{CPU: 8, Images: 1}}, 60*s
		if got := runFleet(t, f).Total.Pulls; got != 4 {
			t.Errorf("%d of 4 starts fetched their image", got)
		}
		f.Functions[1].Image = f.Functions[0].Function
		if got := runFleet(t, f).Total.Pulls; got != 1 {
			t.Errorf("%d of 4 starts fetched the image that both have", got)
		}
	})
	t.Run("instances are spread over nodes, or not", func(t *testing.T) {
		for strategy, want := range map[simulate.Strategy]int64{simulate.LeastAllocated: 2, simulate.FirstFit: 1, simulate.MostAllocated: 1} {
			a, b := one(functions.Held{CPU: 1}, 0), one(functions.Held{CPU: 1}, 0)
			a.Image, b.Image = "both", "both" // so that pulls count nodes
			a.Pull, b.Pull = simulate.Always(s), simulate.Always(s)
			f := simulate.Fleet{Functions: []simulate.Config{a, b}, Nodes: []simulate.Node{{CPU: 4, Memory: 1}, {CPU: 4, Memory: 1}}, For: 20 * s, Strategy: strategy}
			if got := runFleet(t, f).Total.Pulls; got != want {
				t.Errorf("%s: on %d nodes", strategy, got)
			}
		}
	})
}

func TestRunFleetRefusesWhatMeansNothing(t *testing.T) {
	for name, spoil := range map[string]func(*simulate.Fleet){
		"no function":                   func(f *simulate.Fleet) { f.Functions = nil },
		"no time":                       func(f *simulate.Fleet) { f.For = 0 },
		"a strategy that is none":       func(f *simulate.Fleet) { f.Strategy = "best" },
		"an instance that fits no node": func(f *simulate.Fleet) { f.Functions[3].Held.CPU = 9 },
		"one that holds less than none": func(f *simulate.Fleet) { f.Functions[3].Held.Memory = -1 },
		"a node of less than nothing":   func(f *simulate.Fleet) { f.Nodes[0].CPU = -1 },
		"a function without a policy":   func(f *simulate.Fleet) { f.Functions[3].Policy = nil },
		"more starts fail than can":     func(f *simulate.Fleet) { f.Functions[3].Failures.Starts = 1 },
		"requests that nobody answers":  func(f *simulate.Fleet) { f.Functions[3].Policy = script{}.policy },
		"a stream that goes back a step": func(f *simulate.Fleet) {
			f.Functions[3].Stream = func() traces.Stream { return traces.Of([]time.Duration{2, 1}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := crowded(styles[0].Scaling)
			f.For = time.Hour * 2
			spoil(&f)
			if _, err := simulate.RunFleet(f); err == nil {
				t.Error("it ran")
			}
		})
	}
}
