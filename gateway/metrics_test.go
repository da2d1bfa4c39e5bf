package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// scrape is what /metrics says, in the form that has exemplars.
func (w *world) scrape() string {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.server.URL+"/metrics", nil)
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := w.server.Client().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

func TestTheDurationOfASampledRequestNamesItsTrace(t *testing.T) {
	for _, tt := range []struct {
		name, parent string
		named        bool
	}{
		{"sampled", hopParent, true},
		{"not sampled", strings.TrimSuffix(hopParent, "1") + "0", false},
		{"no trace", "", false},
	} {
		w := newWorld(t)
		var header []string
		if tt.parent != "" {
			header = []string{"traceparent", tt.parent}
		}
		w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), header...)
		if got := strings.Contains(w.scrape(), `trace_id="`+hopTrace+`"`); got != tt.named {
			t.Errorf("%s: an exemplar: %v", tt.name, got)
		}
	}
}

func TestTheMetricsTellWhatAnOperatorAsks(t *testing.T) {
	w := newWorld(t)
	picture := aPicture(t)
	w.post(detectPath, "image/png", bytes.NewReader(picture))
	w.post(detectPath, "text/plain", strings.NewReader("x"))
	w.post("/v1/functions/"+strings.Repeat("e", 50)+"/detect", "image/png", bytes.NewReader(picture))
	w.post("/wp-login.php", "text/plain", strings.NewReader("x"))
	w.gateway.ColdStarted("eye", functions.Start{Start: functions.Millis(time.Second), Load: functions.Millis(2 * time.Second)})
	w.gateway.StartFailed("eye")
	text := w.scrape()
	for _, want := range []string{
		`saccade_requests_total{function="eye",outcome="ok"} 1`,
		`saccade_requests_total{function="eye",outcome="unsupported-format"} 1`,
		`saccade_problems_total{kind="unsupported-format"} 1`,
		`saccade_problems_total{kind="function-not-found"} 1`,
		`saccade_http_responses_total{code="200",path="/v1/functions/:name/detect"} 1`,
		`saccade_cold_start_duration_seconds_sum{function="eye"} 3`,
		`saccade_cold_starts_total{function="eye"} 1`,
		`saccade_start_failures_total{function="eye"} 1`,
		`saccade_function_instances{function="eye",state="ready"} 1`,
		`saccade_function_up{function="eye"} 1`,
		`saccade_function_oldest_wait_seconds{function="eye"} 0`,
		`saccade_http_in_flight 1`, // the scrape itself
		`saccade_held_bytes 0`,
		`saccade_held_bytes_limit 2.68435456e+08`,
		`saccade_build_info{goversion="go`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for _, stranger := range []string{"eeee", "wp-login"} {
		if strings.Contains(text, stranger) {
			t.Errorf("a stranger has made a series: %s", stranger)
		}
	}
}

func TestARequestIsOneLineOfTheLog(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.gateway.opts.Log = slog.New(slog.NewJSONHandler(&log, nil))
	picture := aPicture(t)
	_, _, body := w.post(detectPath, "image/png", bytes.NewReader(picture), "traceparent", hopParent)
	var line struct {
		Msg, ID, Method, Path, Function, Revision string
		TraceID                                   string `json:"trace_id"`
		Status                                    int
		BytesIn                                   int `json:"bytes_in"`
		BytesOut                                  int `json:"bytes_out"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil { // two lines would be no JSON value
		t.Fatalf("%v: %s", err, &log)
	}
	if line.Msg != "request" || line.ID == "" || line.TraceID != hopTrace || line.Status != 200 || line.Function != "eye" ||
		line.BytesIn != len(picture) || line.BytesOut != len(body) {
		t.Errorf("%+v; %d bytes in, %d out", line, len(picture), len(body))
	}
}

func TestAPathThatDoesNotExistIsNoFaultOfOurs(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.gateway.opts.Log = slog.New(slog.NewJSONHandler(&log, nil))
	w.post("/wp-login.php", "text/plain", strings.NewReader("x"))
	if strings.Contains(log.String(), `"level":"ERROR"`) || !strings.Contains(log.String(), `"status":404`) {
		t.Errorf("the log says %s", &log)
	}
}

func TestTheSeriesOfAFunctionBeginAtZeroAndEndWithIt(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := newMetrics(registry, "test")
	series := func(function string) (count int, starts float64) {
		t.Helper()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			for _, one := range family.GetMetric() {
				for _, label := range one.GetLabel() {
					if label.GetName() != "function" || label.GetValue() != function {
						continue
					}
					count++
					if family.GetName() == "saccade_cold_starts_total" {
						starts += one.GetCounter().GetValue()
					}
				}
			}
		}
		return count, starts
	}
	both := []functions.FunctionStatus{{Name: "eye"}, {Name: "ear"}}
	m.deploy(both)
	fresh, _ := series("eye")
	m.started("eye", functions.Start{})
	m.deploy(both) // nothing begins again
	if n, starts := series("eye"); fresh == 0 || n <= fresh || starts != 1 {
		t.Errorf("%d series of a new function, %d once it was started; %v starts", fresh, n, starts)
	}
	if n, starts := series("ear"); n != fresh || starts != 0 {
		t.Errorf("%d series of the other, %v starts", n, starts)
	}
	m.deploy(both[1:])
	if n, _ := series("eye"); n != 0 {
		t.Errorf("%d series of a function that is gone", n)
	}
	if n, _ := series("ear"); n != fresh {
		t.Errorf("%d series of the one that stays", n)
	}
}
