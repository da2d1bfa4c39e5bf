package costs

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// describe makes the metrics' descriptions. Their labels are functions that were
// deployed and fixed words: callers are in the report alone.
func (l *Ledger) describe() {
	labels := []string{"function", "part"}
	l.costDesc = prometheus.NewDesc("saccade_cost_total",
		"What a function has cost, in "+l.prices.Currency+", by what for: billed, idle, frozen, wasted or request.", labels, nil)
	l.secondsDesc = prometheus.NewDesc("saccade_instance_seconds_total",
		"Time that instances of a function have lived, by what it was for: billed, idle, frozen or wasted.", labels, nil)
}

// Describe satisfies prometheus.Collector.
func (l *Ledger) Describe(ch chan<- *prometheus.Desc) {
	ch <- l.costDesc
	ch <- l.secondsDesc
}

// Collect satisfies prometheus.Collector.
func (l *Ledger) Collect(ch chan<- prometheus.Metric) {
	for _, f := range l.functions(l.read()) {
		counter := func(desc *prometheus.Desc, part string, value float64) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, f.Function, part)
		}
		for part, cost := range map[string]functions.Money{
			"billed": f.Cost.Billed, "idle": f.Cost.Idle, "frozen": f.Cost.Frozen, "wasted": f.Cost.Wasted,
			"request": f.Cost.Request,
		} {
			counter(l.costDesc, part, float64(cost))
		}
		for part, spent := range map[string]functions.Seconds{
			"billed": f.Seconds.Billed, "idle": f.Seconds.Idle, "frozen": f.Seconds.Frozen, "wasted": f.Seconds.Wasted,
		} {
			counter(l.secondsDesc, part, spent.Seconds())
		}
	}
}
