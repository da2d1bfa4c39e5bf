package report

import (
	"fmt"
	"math"
)

// part is one of the things that money goes to.
type part struct {
	name  string
	ink   ink // empty: the style's
	faint float64
	of    func(Cost) float64
}

func parts() []part {
	return []part{
		{"work", "", 0.95, func(c Cost) float64 { return float64(c.Work) }},
		{"idle", "", 0.35, func(c Cost) float64 { return float64(c.Idle) }},
		{"starts", body, 0.8, func(c Cost) float64 { return float64(c.Start) }},
		{"requests", muted, 0.55, func(c Cost) float64 { return float64(c.Requests) }},
	}
}

// drawCost draws what each style costs on a trace for a million requests, by what it is
// for. The page's script draws it again when a price is changed: drawCost() there.
func drawCost(doc *Document, t int) drawing {
	trace := doc.Traces[t]
	d := drawing{w: 380, name: id("cost", t, trace.Name), title: "Cost of a million requests on " + trace.Name}
	d.heading(0, "Cost of a million requests, "+trace.Name)
	most := 0.0
	for _, cost := range doc.Derived.Costs[t] {
		most = math.Max(most, float64(cost.PerMillion))
	}
	x := scale{from: 0, to: math.Max(most, 1e-12), at: 0, end: d.w - 64}
	y := 40.0
	for s, style := range trace.Styles {
		cost := doc.Derived.Costs[t][s]
		k := ink(doc.colour(style.Name))
		d.text(k, 0, y, start, style.Label).bold = true
		words, at := "", 0.0
		for _, p := range parts() {
			share := 0.0
			if cost.Total > 0 {
				share = p.of(cost) / float64(cost.Total)
			}
			if share == 0 {
				continue
			}
			fill := p.ink
			if fill == "" {
				fill = k
			}
			width := share * float64(cost.PerMillion)
			d.rect(fill, p.faint, x.place(at), y+6, x.place(at+width)-x.place(at), 14)
			at += width
			if words != "" {
				words += ", "
			}
			words += p.name + " " + percent(share)
		}
		total := money(doc.Prices.Currency, float64(cost.PerMillion))
		d.text(body, x.place(at)+6, y+17, start, total).bold = true
		d.text(muted, 0, y+33, start, words)
		d.desc += fmt.Sprintf("%s: %s, of it %s. ", style.Label, total, words)
		y += rowHeight + 6
	}
	d.h = y - 14
	return d
}
