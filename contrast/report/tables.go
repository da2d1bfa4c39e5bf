package report

import (
	"fmt"
	"html/template"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

func (d *Document) resultPath(t, s int) string {
	return fmt.Sprintf("traces.%d.styles.%d.result.", t, s)
}

func (d *Document) costPath(t, s int) string { return fmt.Sprintf("derived.costs.%d.%d.", t, s) }

func (d *Document) time(path string, s functions.Seconds) template.HTML {
	return datum(path, s, seconds(s.Seconds()))
}

func (d *Document) money(path string, m functions.Money) template.HTML {
	return datum(path, m, money(d.Prices.Currency, float64(m)))
}

func (d *Document) summary(t int) summaryTrace {
	trace := d.Traces[t]
	all := summaryTrace{Name: label(trace.Name)}
	for s, style := range trace.Styles {
		r, cost := style.Result, d.Derived.Costs[t][s]
		at, costAt := d.resultPath(t, s), d.costPath(t, s)
		all.Rows = append(all.Rows, summaryRow{
			inked: inked{style.Name, style.Label, d.colour(style.Name)},
			P50:   d.time(at+"latency.p50", r.Latency.P50),
			P99:   d.time(at+"latency.p99", r.Latency.P99),
			Cold:  datum(at+"cold", r.Cold, percent(coldShare(style))),
			Cost:  d.money(costAt+"per_million", cost.PerMillion),
			Wasted: datum(costAt+"wasted", cost.Wasted,
				percent(cost.Wasted)),
		})
	}
	return all
}

func (d *Document) latencyTable(t int) table {
	all := table{
		Caption: "Latency on " + d.Traces[t].Name,
		Head:    []string{"style", "requests", "cold", "mean", "p50", "p90", "p95", "p99", "p99.9", "longest", "p50 of cold ones", "p99 of cold ones"},
	}
	for s, style := range d.Traces[t].Styles {
		r, at := style.Result, d.resultPath(t, s)
		l := at + "latency."
		all.Rows = append(all.Rows, []template.HTML{
			plain(style.Label), datum(at+"requests", r.Requests, count(r.Requests)), datum(at+"cold", r.Cold, count(r.Cold)),
			d.time(l+"mean", r.Latency.Mean), d.time(l+"p50", r.Latency.P50), d.time(l+"p90", r.Latency.P90), d.time(l+"p95", r.Latency.P95),
			d.time(l+"p99", r.Latency.P99), d.time(l+"p999", r.Latency.P999), d.time(l+"max", r.Latency.Max),
			d.cold(at, "p50", r.ColdLatency, r.ColdLatency.P50), d.cold(at, "p99", r.ColdLatency, r.ColdLatency.P99),
		})
	}
	return all
}

// cold is a percentile of the cold requests alone, where there are any that are known apart.
func (d *Document) cold(at, name string, all simulate.Spread, value functions.Seconds) template.HTML {
	if all.Max == 0 {
		return plain("–")
	}
	return d.time(at+"cold_latency."+name, value)
}

func (d *Document) timeTable(t int) table {
	all := table{
		Caption: "Instances on " + d.Traces[t].Name,
		Head:    []string{"style", "starts", "most at a time", "busy", "idle", "starting", "p99 of the wait", "refused", "failed starts"},
	}
	for s, style := range d.Traces[t].Styles {
		r, at := style.Result, d.resultPath(t, s)
		hours := func(name string, v functions.Seconds) template.HTML {
			return datum(at+name, v, number(v.Seconds())+space+"s")
		}
		all.Rows = append(all.Rows, []template.HTML{
			plain(style.Label), datum(at+"starts", r.Starts, count(r.Starts)), datum(at+"peak", r.Peak, count(r.Peak)),
			hours("busy", r.Busy), hours("idle", r.Idle), hours("loading", r.Loading),
			d.time(at+"wait.p99", r.Wait.P99), plain(count(r.Refused)), plain(count(r.FailedStarts)),
		})
	}
	return all
}

func (d *Document) startsTable(t int) table {
	all := table{Caption: "Cold starts on " + d.Traces[t].Name, Head: []string{"style", "phase", "p50", "p95"}}
	for s, style := range d.Traces[t].Styles {
		for n, phase := range style.Phases {
			at := fmt.Sprintf("traces.%d.styles.%d.phases.%d.", t, s, n)
			all.Rows = append(all.Rows, []template.HTML{plain(style.Label), plain(phase.Name), d.time(at+"p50", phase.P50), d.time(at+"p95", phase.P95)})
		}
	}
	return all
}

func (d *Document) costTable(t int) table {
	all := table{
		Caption: "Seconds that are paid for, and their cost, on " + d.Traces[t].Name,
		Head:    []string{"style", "work", "idle", "starts", "work", "idle", "starts", "requests", "total"},
	}
	for s, style := range d.Traces[t].Styles {
		u, c, at := style.Usage, d.Derived.Costs[t][s], d.costPath(t, s)
		use := fmt.Sprintf("traces.%d.styles.%d.usage.", t, s)
		spent := func(name string, v functions.Seconds) template.HTML {
			return datum(use+name, v, number(v.Seconds())+space+"s")
		}
		all.Rows = append(all.Rows, []template.HTML{
			plain(style.Label), spent("work", u.Work), spent("idle", u.Idle), spent("start", u.Start),
			d.money(at+"work", c.Work), d.money(at+"idle", c.Idle), d.money(at+"start", c.Start), d.money(at+"requests", c.Requests), d.money(at+"total", c.Total),
		})
	}
	return all
}

func (d *Document) sweepTable() table {
	all := table{Caption: "Cost of a million requests at the prices of the run", Head: []string{"requests a second"}}
	for _, style := range d.Sweep[0].Styles {
		all.Head = append(all.Head, d.labelOf(style.Name))
	}
	for r, rate := range d.Sweep {
		row := []template.HTML{datum(fmt.Sprintf("sweep.%d.per_second", r), rate.PerSecond, number(rate.PerSecond))}
		for s := range rate.Styles {
			row = append(row, template.HTML(fmt.Sprintf(`<span data-sweep="%d.%d">%s</span>`, r, s,
				plain(money(d.Prices.Currency, perMillion(d.Prices, rate, s))))))
		}
		all.Rows = append(all.Rows, row)
	}
	return all
}

func (d *Document) knobsTable(k int) table {
	knobs := d.Knobs[k]
	all := table{
		Caption: d.labelOf(knobs.Style) + " on " + knobs.Trace + ", one knob a step away, at the prices of the run",
		Head:    []string{"knob", "set to", "p99", "cost", "starts", "most at a time"},
	}
	row := func(n int, v simulate.Variant, name string) {
		at := fmt.Sprintf("knobs.%d.variants.%d.", k, n)
		all.Rows = append(all.Rows, []template.HTML{
			plain(name), plain(v.Value), d.time(at+"p99", v.P99), d.money(at+"cost", v.Cost),
			datum(at+"result.starts", v.Result.Starts, count(v.Result.Starts)), datum(at+"result.peak", v.Result.Peak, count(v.Result.Peak)),
		})
	}
	for n, v := range knobs.Variants {
		name := v.Knob
		if name == "" {
			name = "as it was"
		}
		row(n, v, name)
	}
	return all
}

func (d *Document) validationTable() table {
	all := table{Caption: "Simulated against live, of the same arrivals", Head: []string{"trace", "style", "measure", "live", "simulated", "off by", "most runs"}}
	for n, v := range d.Validation {
		at := fmt.Sprintf("validation.%d.", n)
		off := "—"
		if v.Live != 0 {
			off = signed(v.Simulated/v.Live - 1)
		}
		unit := ""
		if v.Unit != "" {
			unit = space + v.Unit
		}
		runs := plain("—")
		if v.High > 0 {
			runs = datum(at+"low", v.Low, number(v.Low)) + plain(" to ") + datum(at+"high", v.High, number(v.High)+unit)
		}
		all.Rows = append(all.Rows, []template.HTML{
			plain(v.Trace), plain(d.labelOf(v.Style)), plain(v.Measure),
			datum(at+"live", v.Live, number(v.Live)+unit), datum(at+"simulated", v.Simulated, number(v.Simulated)+unit), plain(off), runs,
		})
	}
	return all
}

// signed is a share with its sign: +3.2 %.
func signed(share float64) string {
	switch {
	case share > 0:
		return "+" + percent(share)
	case share < 0:
		return "−" + percent(-share)
	}
	return "0" + space + "%"
}
