package gateway

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
)

// metrics are what /metrics shows. Labels come from deployed functions, our own
// routes and fixed words alone, so a stranger cannot make series.
type metrics struct {
	requests      *prometheus.CounterVec
	durations     *prometheus.HistogramVec
	phases        *prometheus.HistogramVec
	coldPhases    *prometheus.HistogramVec
	coldDurations *prometheus.HistogramVec
	coldStarts    *prometheus.CounterVec
	startFailures *prometheus.CounterVec
	problems      *prometheus.CounterVec
	answers       *prometheus.CounterVec
	inFlight      prometheus.Gauge
	invocations   *invocations

	mu       sync.Mutex
	deployed map[string]bool
}

// buckets span a millisecond to half a minute.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(registry *prometheus.Registry, version string) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		requests: counter("saccade_requests_total",
			"Detection requests by outcome: ok, the kind of problem, or caller-left.", "function", "outcome"),
		durations: histogram("saccade_request_duration_seconds",
			"Time from a request's arrival to its reply; cold where it waited for an instance to start.", "function", "start"),
		phases: histogram("saccade_request_phase_seconds",
			"Time a request spent in each room of the walk.", "function", "phase"),
		coldPhases: histogram("saccade_cold_start_phase_seconds",
			"What starting an instance was spent on.", "function", "phase"),
		coldDurations: histogram("saccade_cold_start_duration_seconds",
			"Time from wanting an instance to its being ready, the sum of its phases.", "function"),
		coldStarts: counter("saccade_cold_starts_total",
			"Instances that were started and became ready.", "function"),
		startFailures: counter("saccade_start_failures_total",
			"Instances that were started and did not become ready.", "function"),
		problems: counter("saccade_problems_total",
			"Requests answered with a problem, by its kind, whether or not they were for a function.", "kind"),
		answers: counter("saccade_http_responses_total",
			"Answers to HTTP requests of every kind, by the API's path and status.", "path", "code"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "saccade_http_in_flight", Help: "HTTP requests that are in the gateway now.",
		}),
		invocations: newInvocations(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "saccade_build_info", Help: "1, with what this gateway was built from.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	registry.MustRegister(m.requests, m.durations, m.phases, m.coldPhases, m.coldDurations, m.coldStarts,
		m.startFailures, m.problems, m.answers, m.inFlight, m.invocations, build)
	return m
}

// replied records a request that was answered; where its trace is sampled, the
// trace is an example of how long such requests take.
func (m *metrics) replied(ctx context.Context, reply *functions.Reply, took time.Duration) {
	m.requests.WithLabelValues(reply.Function, "ok").Inc()
	start := "warm"
	if reply.ColdStart {
		start = "cold"
	}
	observe(ctx, m.durations.WithLabelValues(reply.Function, start), took)
	for name, spent := range reply.Timing.Timing.Phases() {
		m.phases.WithLabelValues(reply.Function, name).Observe(time.Duration(spent).Seconds())
	}
}

// observe adds took to a histogram.
func observe(ctx context.Context, into prometheus.Observer, took time.Duration) {
	at := trace.SpanContextFromContext(ctx)
	if with, ok := into.(prometheus.ExemplarObserver); ok && at.IsSampled() {
		with.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": at.TraceID().String()})
		return
	}
	into.Observe(took.Seconds())
}

// failed records a request that was answered with a problem.
func (m *metrics) failed(function string, err error) {
	m.requests.WithLabelValues(function, outcomeOf(err)).Inc()
}

// outcomeOf is the kind of problem that err is, or caller-left: nobody's fault.
func outcomeOf(err error) string {
	if kind := functions.KindOf(err); kind != functions.Internal || !errors.Is(err, context.Canceled) {
		return string(kind)
	}
	return "caller-left"
}

// answered records an answer at a path of the API; "" is none of them.
func (m *metrics) answered(path string, status int) {
	m.answers.WithLabelValues(path, strconv.Itoa(status)).Inc()
}

// deploy begins the series of functions that are new, so that the first request and
// the first failure are seen as increases, and drops those of functions that are
// gone.
func (m *metrics) deploy(all []functions.FunctionStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := make(map[string]bool, len(all))
	for _, f := range all {
		now[f.Name] = true
		if m.deployed[f.Name] {
			continue
		}
		m.requests.WithLabelValues(f.Name, "ok")
		m.durations.WithLabelValues(f.Name, "warm")
		m.durations.WithLabelValues(f.Name, "cold")
		m.coldDurations.WithLabelValues(f.Name)
		m.coldStarts.WithLabelValues(f.Name)
		m.startFailures.WithLabelValues(f.Name)
	}
	for name := range m.deployed {
		if now[name] {
			continue
		}
		gone := prometheus.Labels{"function": name}
		m.requests.DeletePartialMatch(gone)
		m.coldStarts.DeletePartialMatch(gone)
		m.startFailures.DeletePartialMatch(gone)
		for _, h := range []*prometheus.HistogramVec{m.durations, m.phases, m.coldPhases, m.coldDurations} {
			h.DeletePartialMatch(gone)
		}
	}
	m.deployed = now
}

// started records the cold-start ledger of one instance.
func (m *metrics) started(function string, start functions.Start) {
	m.coldStarts.WithLabelValues(function).Inc()
	m.coldDurations.WithLabelValues(function).Observe(time.Duration(start.Total()).Seconds())
	for name, spent := range start.Phases() {
		m.coldPhases.WithLabelValues(function, name).Observe(time.Duration(spent).Seconds())
	}
}
