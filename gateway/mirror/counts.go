package mirror

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// counts are the room's metrics. They are the only thing that is left of an answer.
type counts struct {
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	detections *prometheus.CounterVec

	mu   sync.Mutex
	used map[pair]time.Time
}

// pair is a function with the revision that mirrors it.
type pair struct{ function, revision string }

// keep is how long the series of a mirror stay after its last request.
const keep = time.Hour

func newCounts() *counts {
	return &counts{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_mirrored_total",
			Help: "Requests that were to be mirrored by outcome: ok, dropped where the mirror's room was full, busy where its revision was, or failed.",
		}, []string{"function", "revision", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saccade_mirror_duration_seconds", Help: "Time a mirrored request took, waiting included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"function", "revision"}),
		detections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_mirror_detections_total",
			Help: "Detections in mirrored requests by who found them: both (same class, IoU of at least 0.5), real or mirror alone.",
		}, []string{"function", "revision", "found"}),
		used: map[pair]time.Time{},
	}
}

func (c *counts) dropped(function, revision string) { c.count(function, revision, "dropped") }

func (c *counts) failed(function, revision string, err error) {
	outcome := "failed"
	if kind := functions.KindOf(err); kind == functions.Busy || kind == functions.TooShort {
		outcome = "busy"
	}
	c.count(function, revision, outcome)
}

func (c *counts) answered(function, revision string, took time.Duration, a agreement) {
	c.count(function, revision, "ok")
	c.durations.WithLabelValues(function, revision).Observe(took.Seconds())
	for found, n := range map[string]int{"both": a.both, "real": a.real, "mirror": a.mirror} {
		c.detections.WithLabelValues(function, revision, found).Add(float64(n))
	}
}

func (c *counts) count(function, revision, outcome string) {
	c.requests.WithLabelValues(function, revision, outcome).Inc()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[pair{function, revision}] = time.Now()
}

// sweep drops the series of mirrors that have had no request for long.
func (c *counts) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, at := range c.used {
		if time.Since(at) < keep {
			continue
		}
		gone := prometheus.Labels{"function": p.function, "revision": p.revision}
		c.requests.DeletePartialMatch(gone)
		c.durations.DeletePartialMatch(gone)
		c.detections.DeletePartialMatch(gone)
		delete(c.used, p)
	}
}

// Describe satisfies prometheus.Collector.
func (r *Room) Describe(ch chan<- *prometheus.Desc) {
	r.counts.requests.Describe(ch)
	r.counts.durations.Describe(ch)
	r.counts.detections.Describe(ch)
}

// Collect satisfies prometheus.Collector.
func (r *Room) Collect(ch chan<- prometheus.Metric) {
	r.counts.sweep()
	r.counts.requests.Collect(ch)
	r.counts.durations.Collect(ch)
	r.counts.detections.Collect(ch)
}
