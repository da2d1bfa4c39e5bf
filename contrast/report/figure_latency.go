package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// drawLatency draws how long the requests of a trace took, each style a line: to the
// right the slower ones, a factor of ten in their share as wide everywhere, so that the
// slowest in a thousand are as plain to see as the median. The part of a line that cold
// requests make up is thick; where they are not known apart, a dot says how many there
// were.
func drawLatency(in Input, trace Trace) drawing {
	d := drawing{
		w: 380, h: 268, name: id("latency", slices.IndexFunc(in.Traces, func(t Trace) bool { return t.Name == trace.Name }), trace.Name),
		title: "Latency on " + trace.Name,
	}
	least, most, requests := math.Inf(1), 0.0, int64(10)
	for _, style := range trace.Styles {
		for _, p := range quantiles(style.Result) {
			if p.value > 0 {
				least, most = math.Min(least, p.value), math.Max(most, p.value)
			}
		}
		requests = max(requests, style.Result.Requests)
	}
	if most == 0 {
		least, most = 0.001, 0.001
	}
	// From all requests to the slowest one.
	x := scale{from: 0, to: math.Log10(float64(requests)), at: 44, end: d.w - 92}
	y := decades(least, most, d.h-36, 30)
	d.heading(0, "Latency, "+trace.Name)
	for _, tick := range y.ticks() {
		d.line(grid, 1, point{x.at, y.place(tick)}, point{x.end, y.place(tick)})
		d.text(muted, x.at-6, y.place(tick)+4, end, seconds(tick))
	}
	for nines, name := range []string{"0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"} {
		if float64(nines) <= x.to-0.3 || nines == 0 {
			at := x.place(float64(nines))
			d.line(grid, 1, point{at, y.at}, point{at, y.end})
			d.text(muted, at, y.at+15, middle, name)
		}
	}
	d.text(muted, (x.at+x.end)/2, y.at+31, middle, "of requests are faster")

	var ends []endLabel
	for _, style := range trace.Styles {
		k := ink(in.colour(style.Name))
		steps := quantiles(style.Result)
		line := d.curve(x, y, steps, k, 1.75)
		if len(line) == 0 {
			continue
		}
		if cold := coldPart(style); len(cold) > 0 {
			d.curve(x, y, cold, k, 4.5)
		} else if share := coldShare(style); share > 0 {
			at := -math.Log10(share)
			d.dot(k, x.place(at), y.place(valueAt(steps, share)), 4)
		}
		last := line[len(line)-1]
		ends = append(ends, endLabel{last[1], style.Label, k})
		d.desc += fmt.Sprintf("%s: half within %s, 99 %% within %s, all within %s, %s cold. ", style.Label,
			seconds(style.Result.Latency.P50.Seconds()), seconds(style.Result.Latency.P99.Seconds()),
			seconds(style.Result.Latency.Max.Seconds()), percent(coldShare(style)))
	}
	d.labels(x.end+8, 36, y.at, ends)
	return d
}

// quantile is a latency in seconds, and the shares of requests that are slower than the
// one before and than it: from 1 down to 0.
type quantile struct{ before, after, value float64 }

// quantiles is a result's latencies as steps; without bars, as what its percentiles tell.
func quantiles(r simulate.Result) []quantile {
	if len(r.Latency.Bars) > 0 {
		return steps(r.Latency.Bars, r.Requests)
	}
	l := r.Latency
	var all []quantile
	before := 1.0
	for _, p := range []struct{ after, value float64 }{
		{0.5, l.P50.Seconds()}, {0.1, l.P90.Seconds()}, {0.05, l.P95.Seconds()}, {0.01, l.P99.Seconds()}, {0.001, l.P999.Seconds()}, {0, l.Max.Seconds()},
	} {
		all = append(all, quantile{before, p.after, p.value})
		before = p.after
	}
	return all
}

func steps(bars []simulate.Bar, values int64) []quantile {
	var all []quantile
	seen := int64(0)
	for _, bar := range bars {
		before := 1 - float64(seen)/float64(values)
		seen += bar.Count
		all = append(all, quantile{before, 1 - float64(seen)/float64(values), bar.UpTo.Seconds()})
	}
	return all
}

// curve draws steps and returns its points.
func (d *drawing) curve(x, y scale, steps []quantile, k ink, width float64) []point {
	var points []point
	for _, s := range steps {
		if s.value <= 0 {
			continue
		}
		to := x.to
		if s.after > 1e-12 {
			to = -math.Log10(s.after)
		}
		points = append(points, point{x.place(-math.Log10(s.before)), y.place(s.value)}, point{x.place(to), y.place(s.value)})
	}
	if points = thinned(points); len(points) > 0 {
		d.line(k, width, points...)
	}
	return points
}

// coldPart is the steps from which on half of the slower requests or more are cold, to
// the end. None where cold requests are not known apart.
func coldPart(style Style) []quantile {
	bars := style.cold()
	if len(bars) == 0 {
		return nil
	}
	all := quantiles(style.Result)
	for i := range all {
		slower := math.Round(all[i].before * float64(style.Result.Requests))
		cold := 0.0
		for _, bar := range bars {
			if i == 0 || bar.UpTo.Seconds() > all[i-1].value {
				cold += float64(bar.Count)
			}
		}
		if slower > 0 && 2*cold >= slower {
			return all[i:]
		}
	}
	return nil
}

// cold are the latencies of cold requests alone, empty where they are not known apart.
func (s Style) cold() []simulate.Bar {
	if len(s.Cold) > 0 {
		return s.Cold
	}
	return s.Result.ColdLatency.Bars
}

func coldShare(style Style) float64 {
	return float64(style.Result.Cold) / float64(style.Result.Requests)
}

// valueAt is the latency that a share of requests exceed.
func valueAt(steps []quantile, share float64) float64 {
	for _, s := range steps {
		if s.after < share-1e-12 { // shares of many requests are not exact
			return s.value
		}
	}
	return steps[len(steps)-1].value
}
