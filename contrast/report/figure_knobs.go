package report

import (
	"fmt"
	"math"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// drawKnobs draws what one step of each knob does, a panel for each: to the right it
// costs more, upwards the slowest in a hundred wait longer. The run that they are
// compared with is in the middle, and all panels have the same scales.
func drawKnobs(in Input, place int, knobs Knobs) []drawing {
	base := knobs.Variants[0]
	var names []string
	byName := map[string][]simulate.Variant{}
	reach := math.Log(1.5)
	for _, v := range knobs.Variants[1:] {
		if byName[v.Knob] == nil {
			names = append(names, v.Knob)
		}
		byName[v.Knob] = append(byName[v.Knob], v)
		dx, dy := steppedBy(base, v)
		reach = math.Max(reach, math.Max(math.Abs(dx), math.Abs(dy)))
	}
	reach = math.Min(reach, math.Log(64)) * 1.12
	var all []drawing
	for n, name := range names {
		d := drawing{
			w: 180, h: 176, name: id(id("knob", place, knobs.Style), n, name),
			title: fmt.Sprintf("%s, %s on %s", name, in.labelOf(knobs.Style), knobs.Trace),
		}
		d.heading(0, name)
		x := scale{from: -reach, to: reach, at: 4, end: 176}
		y := scale{from: -reach, to: reach, at: 160, end: 28}
		d.line(grid, 1, point{x.at, y.place(0)}, point{x.end, y.place(0)})
		d.line(grid, 1, point{x.place(0), y.at}, point{x.place(0), y.end})
		d.text(muted, x.end, d.h-4, end, "costs more")
		d.text(muted, x.place(0)-5, y.end+8, end, "waits longer")
		k := ink(in.colour(knobs.Style))
		centre := point{x.place(0), y.place(0)}
		var labels []placed
		for _, v := range byName[name] {
			dx, dy := steppedBy(base, v)
			at := point{x.place(dx), y.place(dy)}
			d.line(k, 1.5, centre, at)
			d.dot(k, at[0], at[1], 3.5)
			labels = append(labels, placed{at, v.Value})
			d.desc += fmt.Sprintf("At %s: %s of the cost, %s of the latency’s 99th percentile. ", v.Value, percent(math.Exp(dx)), percent(math.Exp(dy)))
		}
		d.dot(body, centre[0], centre[1], 3)
		d.valueLabels(labels, centre, x)
		all = append(all, d)
	}
	return all
}

// placed is a text that belongs to a point.
type placed struct {
	at   point
	text string
}

// valueLabels writes each text on the side of its point that looks away from the centre,
// but never over the text of the axis at the bottom.
func (d *drawing) valueLabels(all []placed, centre point, x scale) {
	for i, p := range all {
		dx, a := 7.0, start
		if p.at[0] < centre[0] {
			dx, a = -7, end
		}
		if p.at[0]+dx > x.end-34 {
			dx, a = -7, end
		}
		if p.at[0]+dx < x.at+34 {
			dx, a = 7, start
		}
		y := p.at[1] + 15
		if p.at[1] < centre[1]-2 || p.at[1] > d.h-34 || i%2 == 1 && math.Abs(p.at[1]-centre[1]) <= 2 {
			y = p.at[1] - 7
		}
		d.text(body, p.at[0]+dx, y, a, p.text).bold = true
	}
}

// steppedBy is the logarithms of what cost and latency are multiplied by. Latencies below
// a millisecond are one: nobody feels less.
func steppedBy(base, v simulate.Variant) (cost, latency float64) {
	const least = 1e-3
	cost = math.Log(math.Max(1e-12, float64(v.Cost))) - math.Log(math.Max(1e-12, float64(base.Cost)))
	latency = math.Log(math.Max(least, v.P99.Seconds())) - math.Log(math.Max(least, base.P99.Seconds()))
	return cost, latency
}
