package report

import "math"

// drawBreakEven draws what a million requests cost at each rate of the sweep, and where
// one style overtakes another. The page's script draws it again when a price is changed:
// drawBreakEven() there.
func drawBreakEven(doc *Document) drawing {
	d := drawing{
		w: 380, h: 268, name: "break-even", title: "What a million requests cost, by how often they come",
		desc: doc.Derived.Headline,
	}
	least, most := math.Inf(1), 0.0
	for _, rate := range doc.Sweep {
		for s := range rate.Styles {
			if v := perMillion(doc.Prices, rate, s); v > 0 {
				least, most = math.Min(least, v), math.Max(most, v)
			}
		}
	}
	if most == 0 {
		least, most = 1, 1
	}
	x := decades(doc.Sweep[0].PerSecond, doc.Sweep[len(doc.Sweep)-1].PerSecond, 44, d.w-92)
	x.from, x.to = doc.Sweep[0].PerSecond, doc.Sweep[len(doc.Sweep)-1].PerSecond
	y := decades(least, most, d.h-36, 30)
	d.heading(0, "Cost of a million requests, by rate")
	for _, tick := range y.ticks() {
		d.line(grid, 1, point{x.at, y.place(tick)}, point{x.end, y.place(tick)})
		d.text(muted, x.at-6, y.place(tick)+4, end, sign(doc.Prices.Currency)+number(tick))
	}
	for _, tick := range decades(x.from, x.to, 0, 0).ticks() {
		if tick >= x.from*(1-1e-9) && tick <= x.to*(1+1e-9) {
			d.line(grid, 1, point{x.place(tick), y.at}, point{x.place(tick), y.end})
			d.text(muted, x.place(tick), y.at+15, middle, number(tick))
		}
	}
	d.text(muted, (x.at+x.end)/2, y.at+31, middle, "requests a second")
	for i, stretch := range doc.Derived.Cheapest {
		if i > 0 {
			at := x.place(stretch.From)
			d.line(muted, 1, point{at, y.at}, point{at, y.end}).dash = 3
			t := d.text(body, at, y.end-4, middle, number(stretch.From)+" /s")
			t.bold = true
		}
	}
	var ends []endLabel
	for s, style := range doc.Sweep[0].Styles {
		k := ink(doc.colour(style.Name))
		var points []point
		for _, rate := range doc.Sweep {
			points = append(points, point{x.place(rate.PerSecond), y.place(math.Max(y.from, perMillion(doc.Prices, rate, s)))})
		}
		d.line(k, 2, points...)
		ends = append(ends, endLabel{points[len(points)-1][1], doc.labelOf(style.Name), k})
	}
	d.labels(x.end+8, 36, y.at, ends)
	return d
}
