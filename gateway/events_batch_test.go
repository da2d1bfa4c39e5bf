package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

func TestABatchIsAnsweredOneByOneInOrder(t *testing.T) {
	w := newWorld(t)
	batch := "[" + strings.Join([]string{
		inJSON("0", forEye+inPNG(t)),
		inJSON("1", `"subject":"s","function":"ear",`+inPNG(t)),
		`{"id":"2","subject":"s","data":{}}`,
		`"no event"`,
		inJSON("4", forEye+`"data":{"image":{"base64":"aGVsbG8="}}`),
		inJSON("5", forEye+inAnotherPNG(t)),
		strings.Replace(inJSON("6", forEye+inPNG(t)), events.TypeDetect, events.TypeFailed, 1),
	}, ",") + "]"
	status, h, body := w.post(eventsPath, "application/cloudevents-batch+json; charset=utf-8", strings.NewReader(batch))
	if status != http.StatusOK || h.Get("Content-Type") != events.ContentTypeBatch {
		t.Fatalf("%d %s: %s", status, h.Get("Content-Type"), body)
	}
	all, err := events.Split(body, 100)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		kind, cause, source string
		status              int
	}{
		{events.TypeDetected, "0", "/saccade/functions/eye", 0},
		{events.TypeFailed, "1", "/saccade", 422},
		{events.TypeFailed, "2", "/saccade", 400},
		{events.TypeFailed, "", "/saccade", 400},
		{events.TypeFailed, "4", "/saccade/functions/eye", 415},
		{events.TypeDetected, "5", "/saccade/functions/eye", 0},
		{events.TypeFailed, "6", "/saccade", 400},
	}
	if len(all) != len(want) {
		t.Fatalf("%d outcomes of %d events", len(all), len(want))
	}
	for i, text := range all {
		e, err := events.Parse(text)
		cause, _ := e.Extensions["causationid"].(string)
		var p problem.Problem
		if err == nil {
			err = json.Unmarshal(e.Data, &p)
		}
		if err != nil || e.Type != want[i].kind || cause != want[i].cause || e.Source != want[i].source || p.Status != want[i].status {
			t.Errorf("outcome %d is %s, %v; want %+v", i, text, err, want[i])
		}
	}
	if len(w.asked) != 2 {
		t.Errorf("the function was asked %d times", len(w.asked))
	}
	_, _, metrics := w.get("/metrics")
	for _, line := range []string{
		`saccade_requests_total{function="eye",outcome="ok"} 2`,
		`saccade_requests_total{function="eye",outcome="unsupported-format"} 1`,
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

func TestAFaultOfOursInOneEventDoesNotTakeTheOthersWithIt(t *testing.T) {
	w := newWorld(t)
	w.gateway.Fetch = nil // to fetch is a panic
	status, _, body := w.post("/", "application/cloudevents-batch+json", strings.NewReader("["+
		inJSON("1", forEye+`"data":{"image":{"url":"http://127.0.0.1/"}}`)+","+inJSON("7", forEye+inPNG(t))+"]"))
	all, err := events.Split(body, 2)
	if err != nil || status != http.StatusOK || len(all) != 2 {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	failed, err := events.Parse(all[0])
	if err != nil || failed.Type != events.TypeFailed || failed.Extensions["retryafter"] != int32(5) ||
		strings.Contains(string(failed.Data), "panic") {
		t.Errorf("the first is answered with %s, %v", all[0], err)
	}
	good, err := events.Parse(all[1])
	if err != nil {
		t.Error(err)
	}
	detected(t, good)
}

func TestAnEmptyBatchIsAnsweredWithAnEmptyBatch(t *testing.T) {
	w := newWorld(t)
	status, _, body := w.post("/", "application/cloudevents-batch+json", strings.NewReader(" [ ] "))
	if status != http.StatusOK || string(body) != "[]" {
		t.Errorf("%d %s", status, body)
	}
}

func TestABatchDoesNotTakeMoreThanItsShare(t *testing.T) {
	w := newWorld(t)
	w.gateway.opts.Events.BatchParallel = 2
	w.gate = make(chan struct{})
	var five []string
	for range 5 {
		five = append(five, inJSON("1", forEye+inAnotherPNG(t)))
	}
	batch := "[" + strings.Join(five, ",") + "]"
	done := make(chan int)
	go func() {
		status, _, _ := w.post("/", "application/cloudevents-batch+json", strings.NewReader(batch))
		done <- status
	}()
	for i := range 5 { // one is let go at a time, and never have more than two come beyond those
		select {
		case w.gate <- struct{}{}:
		case <-t.Context().Done():
		}
		w.mu.Lock()
		woken := w.woken
		w.mu.Unlock()
		if woken > i+1+2 {
			t.Errorf("%d are on their way when %d have been let go", woken, i+1)
		}
	}
	if status := <-done; status != http.StatusOK || len(w.asked) != 5 {
		t.Errorf("status %d, %d asked", status, len(w.asked))
	}
}

func (w *world) get(path string) (int, http.Header, string) {
	w.Helper()
	resp, err := w.server.Client().Get(w.server.URL + path)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}
