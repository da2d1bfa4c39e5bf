package watch

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestAPodIsAskedAsTheKubeletAsksIt(t *testing.T) {
	ready := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/" && r.Header.Get("K-Network-Probe") == "queue" && ready:
		case r.URL.Path == "/v1/start" && r.Header.Get("K-Network-Probe") == "" && ready:
			_, _ = w.Write([]byte(`{"start":1.5,"load":300,"warmup":20,"providers":["cpu"]}`))
		default:
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	asks := newHTTPAsks()
	if err := asks.there(t.Context(), address); err != nil {
		t.Errorf("a ready pod: %v", err)
	}
	start, err := asks.started(t.Context(), address)
	want := functions.Start{
		Start: functions.Millis(1500 * time.Microsecond), Load: functions.Millis(300 * time.Millisecond), Warmup: functions.Millis(20 * time.Millisecond),
	}
	if err != nil || start != want {
		t.Errorf("it started in %+v, %v", start, err)
	}
	ready = false
	if err := asks.there(t.Context(), address); err == nil {
		t.Error("a pod that is not ready is there")
	}
	server.Close()
	if err := asks.there(t.Context(), address); err == nil {
		t.Error("a pod that is gone is there")
	}
}
