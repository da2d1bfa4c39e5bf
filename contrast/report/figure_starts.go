package report

import (
	"fmt"
	"math"
	"slices"
)

// rowHeight is what a style takes in figures with a row for each.
const rowHeight = 50.0

// drawStarts draws what the median cold start of each style was spent on, phase by
// phase. any is false where no style of the trace has a ledger.
func drawStarts(in Input, trace Trace) (d drawing, any bool) {
	place := slices.IndexFunc(in.Traces, func(t Trace) bool { return t.Name == trace.Name })
	d = drawing{w: 380, name: id("starts", place, trace.Name), title: "Cold starts on " + trace.Name}
	d.heading(0, "Median cold start, "+trace.Name)
	most := 0.0
	for _, style := range trace.Styles {
		sum := 0.0
		for _, phase := range style.Phases {
			sum += phase.P50.Seconds()
		}
		most = math.Max(most, sum)
	}
	if most == 0 {
		return d, false
	}
	x := scale{from: 0, to: most, at: 0, end: d.w - 64}
	y := 40.0
	for _, style := range trace.Styles {
		if len(style.Phases) == 0 {
			continue
		}
		k := ink(in.colour(style.Name))
		d.text(k, 0, y, start, style.Label).bold = true
		d.text(muted, d.w, y, end, plural(style.Result.Starts, "start")+", "+count(style.Result.Cold)+" cold requests")
		at, words := 0.0, ""
		for n, phase := range style.Phases {
			width := phase.P50.Seconds()
			// Neighbours differ in strength, so that each is seen to end.
			d.rect(k, [...]float64{0.95, 0.45}[n%2], x.place(at), y+6, x.place(at+width)-x.place(at), 14)
			at += width
			if words != "" {
				words += ", "
			}
			words += phase.Name + " " + seconds(width)
		}
		d.text(body, x.place(at)+6, y+17, start, seconds(at)).bold = true
		d.text(muted, 0, y+33, start, words)
		d.desc += fmt.Sprintf("%s: %s in the median: %s. ", style.Label, seconds(at), words)
		y += rowHeight + 6
	}
	d.h = y - 14
	return d, true
}
