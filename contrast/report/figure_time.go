package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// The strips of a panel over time, from the top down.
const (
	instancesTop, instancesEnd = 52.0, 152.0
	queueTop, queueEnd         = 172.0, 212.0
	arrivalsTop, arrivalsEnd   = 232.0, 266.0
	timeLeft, timeRight        = 30.0, 274.0
)

// drawTimes draws instances, queue and arrivals over time, a panel for each style of a
// trace. All panels have the same scales. None where no style has a series.
func drawTimes(in Input, trace Trace) []drawing {
	var mostInstances, mostWaiting, mostArrivals float64
	for _, style := range trace.Styles {
		for _, c := range columns(style.Result) {
			mostInstances = math.Max(mostInstances, c.busy+c.idle+c.loading)
			mostWaiting = math.Max(mostWaiting, c.waiting)
			mostArrivals = math.Max(mostArrivals, c.arrivals)
		}
	}
	var all []drawing
	place := slices.IndexFunc(in.Traces, func(t Trace) bool { return t.Name == trace.Name })
	for s, style := range trace.Styles {
		points := columns(style.Result)
		if len(points) == 0 {
			continue
		}
		d := drawing{
			w: 280, h: 288, name: id(id("time", place, trace.Name), s, style.Name),
			title: fmt.Sprintf("%s on %s over time", style.Label, trace.Name),
			desc: fmt.Sprintf("%s started, %s at most at a time. %s s of instances: %s s busy, %s s idle, %s s starting.",
				plural(style.Result.Starts, "instance"), count(style.Result.Peak), number(style.Result.Instances.Seconds()),
				number(style.Result.Busy.Seconds()), number(style.Result.Idle.Seconds()), number(style.Result.Loading.Seconds())),
		}
		d.timePanel(in, style, points, upTo(mostInstances, instancesEnd, instancesTop),
			upTo(math.Max(1, mostWaiting), queueEnd, queueTop), upTo(mostArrivals, arrivalsEnd, arrivalsTop))
		all = append(all, d)
	}
	return all
}

func (d *drawing) timePanel(in Input, style Style, points []column, instances, queue, arrivals scale) {
	k := ink(in.colour(style.Name))
	length := style.Result.For.Seconds()
	x := scale{from: 0, to: length, at: timeLeft, end: timeRight}
	t := d.text(k, 0, 13, start, style.Label)
	t.bold, t.size = true, 12.5
	idle := "idle"
	if style.Usage.Tariff == PerRequest {
		idle = "frozen, not paid"
	}
	at := 0.0
	for _, key := range []struct {
		ink
		faint float64
		text  string
	}{{k, 0.9, "busy"}, {k, 0.3, idle}, {body, 0.8, "starting"}} {
		d.rect(key.ink, key.faint, at, 23, 9, 9)
		d.text(muted, at+13, 31.5, start, key.text)
		at += 13 + 6*float64(len(key.text)) + 14
	}

	strip := func(s scale, name string) {
		for _, v := range []float64{s.from, s.to} {
			d.line(grid, 1, point{x.at, s.place(v)}, point{x.end, s.place(v)})
			d.text(muted, x.at-5, s.place(v)+4, end, number(v))
		}
		d.text(muted, x.at, s.end-4, start, name)
	}
	strip(instances, "instances")
	strip(queue, "requests waiting")
	strip(arrivals, "requests a second")

	d.text(muted, x.end, instances.end-4, end, "at most "+count(style.Result.Peak))

	// Instances lie on each other: busy, then idle, then starting ones.
	under := make([]float64, len(points))
	for _, layer := range []struct {
		ink
		faint float64
		of    func(column) float64
	}{
		{k, 0.9, func(c column) float64 { return c.busy }},
		{k, 0.3, func(c column) float64 { return c.idle }},
		{body, 0.8, func(c column) float64 { return c.loading }},
	} {
		over := make([]float64, len(points))
		for i, c := range points {
			over[i] = under[i] + layer.of(c)
		}
		d.band(x, instances, points, under, over, layer.ink, layer.faint)
		under = over
	}
	zero := make([]float64, len(points))
	waiting, came := make([]float64, len(points)), make([]float64, len(points))
	for i, c := range points {
		waiting[i], came[i] = c.waiting, c.arrivals
	}
	d.band(x, queue, points, zero, waiting, k, 0.9)
	d.band(x, arrivals, points, zero, came, muted, 0.7)

	for _, share := range []float64{0, 0.5, 1} {
		a := [...]anchor{start, middle, end}[int(2*share)]
		text := "0"
		if share > 0 {
			text = seconds(share * length)
		}
		d.text(muted, x.place(share*length), arrivalsEnd+15, a, text)
	}
}

// band is the area between two heights, as steps. What is nowhere is not drawn.
func (d *drawing) band(x, y scale, points []column, under, over []float64, k ink, faint float64) {
	var outline, back []point
	something := false
	for i, c := range points {
		from, to := x.place(c.from), x.place(c.to)
		outline = append(outline, point{from, y.place(over[i])}, point{to, y.place(over[i])})
		back = append(back, point{from, y.place(under[i])}, point{to, y.place(under[i])})
		something = something || over[i] > under[i]
	}
	if !something {
		return
	}
	slices.Reverse(back)
	d.area(k, faint, append(flat(outline), flat(back)...)...)
}

// flat leaves out points in the middle of level stretches.
func flat(points []point) []point {
	var kept []point
	for i, p := range points {
		if i > 0 && i < len(points)-1 && points[i-1][1] == p[1] && points[i+1][1] == p[1] {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// column is a stretch of time, in seconds since the beginning: averages over it, and
// arrivals a second.
type column struct{ from, to, busy, idle, loading, waiting, arrivals float64 }

// maxColumns is as many as can be told apart in a panel.
const maxColumns = 122

// columns is a result's series, steps put together until there are few enough.
func columns(r simulate.Result) []column {
	step := r.Step.Seconds()
	each := max(1, (len(r.Series)+maxColumns-1)/maxColumns)
	var all []column
	for group := range slices.Chunk(r.Series, each) {
		c := column{from: group[0].At.Seconds()}
		c.to = math.Min(r.For.Seconds(), c.from+float64(len(group))*step)
		n := float64(len(group))
		for _, p := range group {
			c.busy += p.Busy / n
			c.idle += p.Idle / n
			c.loading += p.Loading / n
			c.waiting += p.Waiting / n
			c.arrivals += float64(p.Arrivals)
		}
		if c.to > c.from {
			c.arrivals /= c.to - c.from
			all = append(all, c)
		}
	}
	return all
}
