package costs

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Query narrows a report; the zero value asks for everything.
type Query struct {
	// Since leaves out what was before. It is rounded down: to the minute within the
	// last hour, to the hour within the last week, and to a week where that is longer
	// ago but later than the ledger's beginning. Zero: the ledger's beginning.
	Since time.Time
	// Function is the only one to report, where it is not empty.
	Function string
	// Key is the only caller to report, where it is not nil. Empty: those without a
	// name. Functions are left out then.
	Key *string
}

// Report adds up what was charged and what instances have used.
func (l *Ledger) Report(q Query) functions.CostReport {
	from := page{at: l.began}
	if q.Since.After(l.began) {
		from = l.pages.before(q.Since)
	}
	to := l.read()
	spent := to.minus(from)
	if q.Function != "" {
		maps.DeleteFunc(spent.usage, func(of use, _ functions.Usage) bool { return of.function != q.Function })
		maps.DeleteFunc(spent.accounts, func(a account, _ figures) bool { return a.function != q.Function })
	}
	r := functions.CostReport{
		Currency: l.prices.Currency, Since: from.at.UTC().Round(0), Until: to.at.UTC().Round(0),
		Keys: l.keys(spent, q.Key),
	}
	if q.Key == nil {
		r.Functions = l.functions(spent)
	}
	return r
}

// functions are the totals of each function.
func (l *Ledger) functions(p page) []functions.FunctionCost {
	rows := map[string]functions.FunctionCost{}
	for a, f := range p.accounts {
		row := rows[a.function]
		row.Requests += f.requests
		rows[a.function] = row
	}
	// In a fixed order: sums of the same numbers are then the same to the last bit,
	// and a counter that is one does not seem to go back.
	order := slices.SortedFunc(maps.Keys(p.usage), func(a, b use) int { return a.held.Compare(b.held) })
	for _, of := range order {
		u, row := p.usage[of], rows[of.function]
		row.ColdStarts += u.Starts
		s, m := &row.Seconds, &row.Cost
		s.Billed += functions.Seconds(u.Busy)
		s.Idle += functions.Seconds(u.Idle)
		s.Frozen += functions.Seconds(u.Frozen)
		s.Wasted += functions.Seconds(u.Starting)
		s.Failed += functions.Seconds(u.Failed)
		second, frozen := l.prices.second(of.held), l.prices.frozenSecond(of.held)
		m.Billed += functions.Money(u.Busy.Seconds() * second)
		m.Idle += functions.Money(u.Idle.Seconds() * second)
		m.Frozen += functions.Money(u.Frozen.Seconds() * frozen)
		m.Wasted += functions.Money(u.Starting.Seconds() * second)
		rows[of.function] = row
	}
	var list []functions.FunctionCost
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := rows[name]
		row.Function = name
		s, m := &row.Seconds, &row.Cost
		s.Total = s.Billed + s.Idle + s.Frozen + s.Wasted
		m.Request = functions.Money(float64(row.Requests) * l.prices.Request)
		m.Total = m.Billed + m.Idle + m.Frozen + m.Wasted + m.Request
		list = append(list, row)
	}
	return list
}

// keys are the totals of each caller with each function; what an earlier Revision
// held is added to what the present one does.
func (l *Ledger) keys(p page, only *string) []functions.KeyCost {
	type caller struct{ key, function string }
	rows := map[caller]functions.KeyCost{}
	order := slices.SortedFunc(maps.Keys(p.accounts), func(a, b account) int { return a.held.Compare(b.held) })
	for _, a := range order {
		f := p.accounts[a]
		if f == (figures{}) || only != nil && a.key != *only {
			continue
		}
		of := caller{a.key, a.function}
		row := rows[of]
		row.Key, row.Function = a.key, a.function
		row.Requests += f.requests
		row.ColdStarts += f.colds
		row.Cost = row.Cost.Plus(l.price(a.held, f))
		rows[of] = row
	}
	list := slices.SortedFunc(maps.Values(rows), func(a, b functions.KeyCost) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Function, b.Function))
	})
	if list == nil {
		list = []functions.KeyCost{}
	}
	return list
}
