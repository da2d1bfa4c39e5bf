package recall

import "github.com/prometheus/client_golang/prometheus"

// counts are what the flights add up to.
type counts struct{ shared uint64 }

var (
	sharedDesc = prometheus.NewDesc("saccade_recall_shared_total",
		"Requests that were answered by the run of an equal one under way.", nil, nil)
	hitsDesc = prometheus.NewDesc("saccade_recall_lookups_total",
		"Requests looked up in the result cache, by outcome.", []string{"outcome"}, nil)
	evictionsDesc = prometheus.NewDesc("saccade_recall_evictions_total",
		"Answers that left the result cache before their time, for want of room.", nil, nil)
	bytesDesc   = prometheus.NewDesc("saccade_recall_bytes", "Bytes of answers in the result cache.", nil, nil)
	flightsDesc = prometheus.NewDesc("saccade_recall_flights",
		"Questions that are with an instance now.", nil, nil)
)

// Describe satisfies prometheus.Collector.
func (r *Room) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{sharedDesc, hitsDesc, evictionsDesc, bytesDesc, flightsDesc} {
		ch <- desc
	}
}

// Collect satisfies prometheus.Collector.
func (r *Room) Collect(ch chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	r.mu.Lock()
	shared, flights := r.counts.shared, len(r.flights)
	r.mu.Unlock()
	send(sharedDesc, prometheus.CounterValue, float64(shared))
	send(flightsDesc, prometheus.GaugeValue, float64(flights))
	c := r.cache
	if c == nil {
		return
	}
	c.mu.Lock()
	hits, misses, evictions, held := c.hits, c.misses, c.evictions, c.held
	c.mu.Unlock()
	send(hitsDesc, prometheus.CounterValue, float64(hits), "hit")
	send(hitsDesc, prometheus.CounterValue, float64(misses), "miss")
	send(evictionsDesc, prometheus.CounterValue, float64(evictions))
	send(bytesDesc, prometheus.GaugeValue, float64(held))
}
