package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// metrics are what /metrics shows. Labels come from deployed functions and fixed
// words alone, so a stranger cannot make series.
type metrics struct {
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	phases     *prometheus.HistogramVec
	coldPhases *prometheus.HistogramVec
	coldStarts *prometheus.CounterVec
}

// buckets span a millisecond to half a minute.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(registry *prometheus.Registry, inventory Inventory) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_requests_total",
			Help: "Detection requests by outcome: ok, or the kind of problem.",
		}, []string{"function", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saccade_request_duration_seconds", Buckets: buckets,
			Help: "Time from a request's arrival to its reply; cold where it waited for an instance to start.",
		}, []string{"function", "start"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saccade_request_phase_seconds", Buckets: buckets,
			Help: "Time a request spent in each room of the walk.",
		}, []string{"function", "phase"}),
		coldPhases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saccade_cold_start_phase_seconds", Buckets: buckets,
			Help: "What starting an instance was spent on.",
		}, []string{"function", "phase"}),
		coldStarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_cold_starts_total",
			Help: "Instances that were started and became ready.",
		}, []string{"function"}),
	}
	registry.MustRegister(m.requests, m.durations, m.phases, m.coldPhases, m.coldStarts, &gauges{inventory})
	return m
}

// replied records a request that was answered.
func (m *metrics) replied(reply *functions.Reply, took time.Duration) {
	m.requests.WithLabelValues(reply.Function, "ok").Inc()
	start := "warm"
	if reply.ColdStart {
		start = "cold"
	}
	m.durations.WithLabelValues(reply.Function, start).Observe(took.Seconds())
	for name, spent := range reply.Timing.Timing.Phases() {
		m.phases.WithLabelValues(reply.Function, name).Observe(time.Duration(spent).Seconds())
	}
}

// failed records a request that was answered with a problem.
func (m *metrics) failed(function string, kind functions.Kind) {
	m.requests.WithLabelValues(function, string(kind)).Inc()
}

// started records the cold-start ledger of one instance.
func (m *metrics) started(function string, start functions.Start) {
	m.coldStarts.WithLabelValues(function).Inc()
	for name, spent := range start.Phases() {
		m.coldPhases.WithLabelValues(function, name).Observe(time.Duration(spent).Seconds())
	}
}

// gauges reads the platform's state when it is asked.
type gauges struct{ inventory Inventory }

var (
	instancesDesc = prometheus.NewDesc("saccade_function_instances",
		"Instances of a function by state.", []string{"function", "state"}, nil)
	requestsDesc = prometheus.NewDesc("saccade_function_requests",
		"Requests of a function now: in flight in an instance, or waiting for one.", []string{"function", "state"}, nil)
)

// Describe satisfies prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- instancesDesc
	ch <- requestsDesc
}

// Collect satisfies prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	for _, f := range g.inventory.Functions() {
		gauge := func(desc *prometheus.Desc, value int, state string) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), f.Name, state)
		}
		gauge(instancesDesc, f.Ready, "ready")
		gauge(instancesDesc, f.Starting, "starting")
		gauge(requestsDesc, f.InFlight, "in_flight")
		gauge(requestsDesc, f.Waiting, "waiting")
	}
}
