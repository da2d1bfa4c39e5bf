package report

import "strings"

// tell fills in what is said in words. The page's script says the same when a price is
// changed: tell() there.
func (d *Document) tell() {
	d.Derived.Headline = d.headline()
	d.Derived.Verdict, d.Derived.Losses = nil, nil
	for t := range d.Traces {
		d.Derived.Verdict = append(d.Derived.Verdict, d.onTrace(t))
		d.Derived.Losses = append(d.Derived.Losses, d.losses(t)...)
	}
	if len(d.Derived.Losses) == 0 && d.hasSubject() {
		d.Derived.Losses = []string{fill(d.Words["nowhere"], "style", d.labelOf(d.Subject))}
	}
}

func (d *Document) headline() string {
	all := d.Derived.Cheapest
	switch len(all) {
	case 0:
		trace := d.Traces[0]
		cheap := d.cheap(0)
		return fill(d.Words["single"], "trace", trace.Name, "style", trace.Styles[cheap].Label,
			"cost", d.perMillion(0, cheap))
	case 1:
		return fill(d.Words["always"], "style", d.labelOf(all[0].Style), "from", number(all[0].From), "to", number(all[0].To))
	}
	var parts []string
	for i, stretch := range all {
		word := "middle"
		switch i {
		case 0:
			word = "first"
		case len(all) - 1:
			word = "last"
		}
		parts = append(parts, fill(d.Words[word], "style", d.labelOf(stretch.Style), "rate", number(stretch.To)))
	}
	return strings.Join(parts, ", ")
}

// cheap and soonest are styles of a trace; of equal ones the first.
func (d *Document) cheap(t int) int {
	best := 0
	for s, cost := range d.Derived.Costs[t] {
		if cost.PerMillion < d.Derived.Costs[t][best].PerMillion {
			best = s
		}
	}
	return best
}

func (d *Document) soonest(t int) int {
	best := 0
	for s := range d.Traces[t].Styles {
		if d.p99(t, s) < d.p99(t, best) {
			best = s
		}
	}
	return best
}

func (d *Document) p99(t, s int) float64 { return d.Traces[t].Styles[s].Result.Latency.P99.Seconds() }

func (d *Document) perMillion(t, s int) string {
	return money(d.Prices.Currency, float64(d.Derived.Costs[t][s].PerMillion))
}

func (d *Document) onTrace(t int) string {
	trace := d.Traces[t]
	cheap, fast := d.cheap(t), d.soonest(t)
	of := func(s int) string { return trace.Styles[s].Label }
	text := fill(d.Words["cost"], "trace", label(trace.Name), "style", of(cheap), "cost", d.perMillion(t, cheap),
		"rate", number(trace.rate()))
	next := -1
	for s, cost := range d.Derived.Costs[t] {
		if s != cheap && (next < 0 || cost.PerMillion < d.Derived.Costs[t][next].PerMillion) {
			next = s
		}
	}
	if next < 0 {
		return text + fill(d.Words["alone"], "p99", seconds(d.p99(t, cheap)))
	}
	if its, others := d.Derived.Costs[t][cheap].PerMillion, d.Derived.Costs[t][next].PerMillion; others > its {
		text += fill(d.Words["less"], "share", percent(float64(1-its/others)), "other", of(next))
	}
	if d.p99(t, cheap) == d.p99(t, fast) {
		return text + fill(d.Words["both"], "p99", seconds(d.p99(t, cheap)))
	}
	return text + fill(d.Words["fast"], "style", of(fast), "p99", seconds(d.p99(t, fast)),
		"cheap", of(cheap), "other", seconds(d.p99(t, cheap)))
}

// rate is a trace's mean number of requests a second.
func (t Trace) rate() float64 {
	r := t.Styles[0].Result
	return float64(r.Requests+r.Refused) / r.For.Seconds()
}

func (d *Document) hasSubject() bool {
	for _, trace := range d.Traces {
		for _, style := range trace.Styles {
			if style.Name == d.Subject && len(trace.Styles) > 1 {
				return true
			}
		}
	}
	return false
}

// losses are where the subject costs more or answers later than another style. What
// reads the same in three digits is no loss.
func (d *Document) losses(t int) []string {
	trace := d.Traces[t]
	ours := -1
	for s, style := range trace.Styles {
		if style.Name == d.Subject {
			ours = s
		}
	}
	if ours < 0 {
		return nil
	}
	var all []string
	for s, style := range trace.Styles {
		if s == ours {
			continue
		}
		mine, theirs := float64(d.Derived.Costs[t][ours].PerMillion), float64(d.Derived.Costs[t][s].PerMillion)
		dearer := mine > theirs && number(mine) != number(theirs)
		slower := d.p99(t, ours) > d.p99(t, s) && seconds(d.p99(t, ours)) != seconds(d.p99(t, s))
		word := ""
		switch {
		case dearer && slower:
			word = "worse"
		case dearer:
			word = "dearer"
		case slower:
			word = "slower"
		default:
			continue
		}
		more := "infinitely"
		if theirs > 0 {
			more = percent(mine/theirs - 1)
		}
		all = append(all, fill(d.Words[word], "trace", label(trace.Name), "style", trace.Styles[ours].Label, "other", style.Label,
			"share", more, "p99", seconds(d.p99(t, ours)), "less", seconds(d.p99(t, s))))
	}
	return all
}
