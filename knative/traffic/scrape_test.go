package traffic

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// page is what a gateway says that has counted so much of each revision.
func page(t *testing.T, ok map[string]int) http.Handler {
	t.Helper()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: invocations}, []string{"function", "revision", "outcome"})
	times := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: durations, Buckets: someBounds}, []string{"function", "revision", "start"})
	registry.MustRegister(counter, times, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "unrelated"}, func() float64 { return math.NaN() }))
	for revision, n := range ok {
		counter.WithLabelValues("eye", revision, "ok").Add(float64(n))
		counter.WithLabelValues("eye", revision, "failed").Add(2)
		counter.WithLabelValues("eye", revision, "refused").Add(1)
		for range n {
			times.WithLabelValues("eye", revision, "warm").Observe(0.15)
		}
		times.WithLabelValues("eye", revision, "cold").Observe(3)
	}
	counter.WithLabelValues("ear", "eye-00001", "ok").Add(7)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func TestTheGatewaysTellTheirCounts(t *testing.T) {
	var key string
	one := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key = r.Header.Get("X-API-Key")
		page(t, map[string]int{"eye-00001": 10, "eye-00002": 20}).ServeHTTP(w, r)
	}))
	defer one.Close()
	two := httptest.NewServer(page(t, map[string]int{"eye-00002": 5}))
	defer two.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()

	s := Scraper{Gateways: Addresses{URLs: []string{one.URL, two.URL + "/", closed.URL}}, Namespace: "vision", Key: "k"}
	samples, err := s.Samples(t.Context(), "eye")
	if err != nil || len(samples) != 2 || key != "k" {
		t.Fatalf("%v, %v, key %q", samples, err, key)
	}
	got := samples[one.URL]["eye-00002"]
	if got.OK != 20 || got.Failed != 2 || got.Refused != 1 || got.Warm.Count() != 20 || got.Cold.Count() != 1 || math.Abs(got.Warm.Quantile(0.5)-0.15) > 1e-9 {
		t.Errorf("%+v", got)
	}
	if got := samples[one.URL]["eye-00001"].OK; got != 10 {
		t.Errorf("%d of another function's are counted too", got-10)
	}
}

func TestGatewaysThatTellNothingAreAnError(t *testing.T) {
	for name, handler := range map[string]http.Handler{
		"no such path": http.NotFoundHandler(),
		"not a page of metrics": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(invocations + "{function=\"eye\" 1\n"))
		}),
	} {
		server := httptest.NewServer(handler)
		samples, err := Scraper{Gateways: Addresses{URLs: []string{server.URL}}}.Samples(t.Context(), "eye")
		if err == nil {
			t.Errorf("%s: %v", name, samples)
		}
		server.Close()
	}
}

// text is one page, told by one gateway.
type text string

func (p text) Metrics(context.Context, string) (map[string][]byte, error) {
	return map[string][]byte{"a": []byte(p)}, nil
}

func TestOfTwoFunctionsOfOneNameOursIsRead(t *testing.T) {
	for namespace, want := range map[string]uint64{"a": 1, "b": 2} {
		p := text(`# TYPE saccade_invocations_total counter
saccade_invocations_total{function="eye",revision="eye-00001",outcome="ok"} 1
saccade_invocations_total{function="eye",revision="eye-00001.b",outcome="ok"} 2
`)
		samples, err := Scraper{Gateways: p, Namespace: namespace}.Samples(t.Context(), "eye")
		if err != nil || samples["a"]["eye-00001"].OK != want {
			t.Errorf("namespace %s: %v, %v", namespace, samples, err)
		}
	}
}

func FuzzPage(f *testing.F) {
	for _, ok := range []map[string]int{nil, {"eye-00001": 3}} {
		var b strings.Builder
		w := httptest.NewRecorder()
		page(&testing.T{}, ok).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		b.WriteString(w.Body.String())
		f.Add(b.String())
	}
	f.Add("# TYPE saccade_invocation_duration_seconds histogram\nsaccade_invocation_duration_seconds_bucket{le=\"NaN\"} -1\n")
	f.Fuzz(func(t *testing.T, s string) {
		samples, err := Scraper{Gateways: text(s)}.Samples(t.Context(), "eye")
		if err != nil {
			return
		}
		var w Window
		w.See(map[string]Sample{"a": {}})
		w.See(samples)
		for revision := range samples["a"] {
			c := w.Of(revision)
			for _, h := range []Histogram{c.Warm, c.Cold} {
				if q := h.Quantile(0.99); h.Count() > 0 && len(h.Bounds) > 1 && math.IsInf(q, 1) {
					t.Errorf("the p99 of %+v is %v", h, q)
				}
			}
		}
	})
}
