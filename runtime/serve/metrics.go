package serve

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed45885407/saccade/functions"
)

// meters are what /metrics shows of one instance. Labels are fixed words and what
// the operator has declared.
type meters struct {
	requests *prometheus.CounterVec
	phases   *prometheus.HistogramVec
	server   *Server
	version  string

	info, ready, start, inside, bytes, running, parallel, session *prometheus.Desc
}

// buckets span a tenth of a millisecond, a small network's postprocessing, to ten
// seconds.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

func newMeters(s *Server) *meters {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("saccade_runtime_"+name, help, labels, nil)
	}
	return &meters{
		server: s, version: s.options.Version,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_runtime_requests_total",
			Help: "Pictures by outcome: ok, the kind of problem, or caller-left.",
		}, []string{"outcome"}),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "saccade_runtime_phase_seconds", Buckets: buckets,
			Help: "Time a picture spent in each phase.",
		}, []string{"phase"}),
		info: desc("info", "1, with what is served, once it is loaded.",
			"function", "model_sha256", "provider", "version", "goversion"),
		ready: desc("ready", "Whether the function is loaded and warm."),
		start: desc("start_seconds", "What this process's cold start was spent on, once it is over.", "phase"),
		inside: desc("queue_requests",
			"Pictures inside by state: running, or waiting to be read, decoded or run.", "state"),
		bytes:    desc("queue_bytes", "Encoded bytes of the pictures inside."),
		running:  desc("decodes", "Places for decoding that are taken."),
		parallel: desc("parallel_runs", "How many runs go at a time."),
		session: desc("session_memory_bytes", "Resident memory outside Go's heap: ONNX Runtime's session, its "+
			"arena and its library, and the program itself."),
	}
}

// handler is /metrics. What it needs is made when it is first asked for: a cold
// start does not pay for it.
func (m *meters) handler() http.Handler {
	made := sync.OnceValue(func() http.Handler {
		registry := prometheus.NewRegistry()
		registry.MustRegister(m, newRunMeters(m.server), m.requests, m.phases, collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) })
}

// answered counts a picture by its outcome.
func (m *meters) answered(timing functions.Timing, err error) {
	m.ended(err)
	if err != nil {
		return
	}
	for name, took := range timing.Phases() {
		m.phases.WithLabelValues(name).Observe(time.Duration(took).Seconds())
	}
}

// ended counts a request by its outcome.
func (m *meters) ended(err error) {
	switch {
	case err == nil:
		m.requests.WithLabelValues("ok").Inc()
	case errors.Is(err, context.Canceled) && functions.KindOf(err) == functions.Internal:
		m.requests.WithLabelValues("caller-left").Inc() // nobody's fault
	default:
		m.requests.WithLabelValues(string(functions.KindOf(err))).Inc()
	}
}

// Describe satisfies prometheus.Collector.
func (m *meters) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.info, m.ready, m.start, m.inside, m.bytes, m.running, m.parallel, m.session} {
		ch <- d
	}
}

// Collect satisfies prometheus.Collector.
func (m *meters) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	st := m.server.start
	f, running, loaded := st.state()
	inside := len(m.server.room.requests)
	gauge(m.inside, float64(running), "running")
	gauge(m.inside, float64(max(0, inside-running)), "waiting")
	gauge(m.bytes, float64(m.server.room.bytes.Load()))
	gauge(m.running, float64(len(m.server.decodes)))
	if loaded {
		gauge(m.info, 1, f.Name, f.ModelSum, strings.Join(f.Providers, ","), m.version, runtime.Version())
		gauge(m.parallel, float64(f.Parallel))
	}
	ready := 0.0
	if st.isReady() {
		ready = 1
		for name, took := range st.spent().Phases() {
			if name != "pull" { // was over before this process began
				gauge(m.start, time.Duration(took).Seconds(), name)
			}
		}
	}
	gauge(m.ready, ready)
	if bytes, known := nativeBytes(); known {
		gauge(m.session, bytes)
	}
}

// nativeBytes is this process's resident memory without what Go's runtime holds.
func nativeBytes() (float64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false // not Linux
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64) // resident
	if err != nil {
		return 0, false
	}
	held := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(held)
	gos := int64(held[0].Value.Uint64()) - int64(held[1].Value.Uint64())
	return float64(max(0, pages*int64(os.Getpagesize())-gos)), true
}
