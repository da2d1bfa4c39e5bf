package report

import (
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

const second = functions.Seconds(time.Second)

// easy are prices that make sums of one's head: an instance with a core costs 1 an hour,
// a GB-second 1 in a million.
func easy() Prices {
	return Prices{Currency: "USD", Core: Price{Amount: 1}, Lambda: Price{Amount: 1}, LambdaCall: Price{Amount: 2}, LambdaKept: Price{Amount: 0.25}, LambdaKeptWork: Price{Amount: 0.5}}
}

// result is of an hour with 100 requests, cold ones of them, whose latencies are a
// millisecond apart from 1 ms on, but for cold ones: those take a second more.
func result(cold int64) simulate.Result {
	r := simulate.Result{
		Requests: 100, Cold: cold, For: 3600 * second, Starts: 2, Peak: 2,
		Instances: 3600 * second, Busy: 360 * second, Idle: 3200 * second, Loading: 40 * second, Step: 1200 * second,
		Series: []simulate.Point{
			{At: 0, Arrivals: 60, Waiting: 2, Loading: 0.03, Busy: 0.2, Idle: 0.8},
			{At: 1200 * second, Arrivals: 40, Busy: 0.1, Idle: 0.9},
			{At: 2400 * second, Busy: 0, Idle: 1},
		},
	}
	for n := range int64(100) {
		at := functions.Seconds(time.Duration(n+1) * time.Millisecond)
		if n >= 100-cold {
			at += second
		}
		r.Latency.Bars = append(r.Latency.Bars, simulate.Bar{UpTo: at, Count: 1})
	}
	at := func(n int) functions.Seconds { return r.Latency.Bars[n-1].UpTo }
	r.Latency.P50, r.Latency.P90, r.Latency.P95, r.Latency.P99, r.Latency.P999, r.Latency.Max = at(50), at(90), at(95), at(99), at(100), at(100)
	r.Latency.Mean = at(50)
	return r
}

// small is a report of two styles on one trace, with a sweep that crosses at ten a second.
func small() Input {
	core, gb := functions.Held{CPU: 1}, functions.Held{Memory: 1 << 30}
	in := Input{
		Function: "eye", Prices: easy(),
		Origin: Origin{Command: "saccade contrast", Machine: "a machine", Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: 3, Notes: []string{"A note."}},
		Traces: []Trace{{Name: "rush hour", Styles: []Style{
			{
				Name: "lambda", Result: result(4), Usage: Usage{Held: gb},
				Cold: result(4).Latency.Bars[96:], Phases: []Phase{{"load", second, 2 * second}, {"warmup", second / 2, second}},
			},
			{Name: "startup-aware", Result: result(1), Usage: Usage{Held: core}},
		}}},
		Knobs: []Knobs{{Trace: "rush hour", Style: "startup-aware", Variants: []simulate.Variant{
			{P99: second, Cost: 10}, {Knob: "minScale", Value: "1", P99: second / 2, Cost: 20}, {Knob: "window", Value: "30s", P99: 2 * second, Cost: 5},
		}}},
		Validation: []Validation{{Trace: "rush hour", Style: "lambda", Measure: "p50", Unit: "s", Live: 2, Simulated: 2.1}},
	}
	// Of requests that take 36 s a million cost 36 and 2 more at any rate; an instance
	// costs 1 an hour, and so 38 for a million where 1e6/38/3600 come a second.
	for _, rate := range []float64{0.1, 1, 10, 100} {
		in.Sweep = append(in.Sweep, Rate{rate, []RateStyle{
			{"lambda", Usage{Held: gb, Work: 36 * 3600 * second, Requests: 3600}},
			{"startup-aware", Usage{Held: core, Work: 3600 * second, Requests: int64(3600 * rate)}},
		}})
	}
	return in
}
