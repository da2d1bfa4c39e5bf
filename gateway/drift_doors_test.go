package gateway

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/drift"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/recall"
)

// get reads a JSON answer.
func (w *world) getJSON(path string, into any) int {
	w.Helper()
	resp, err := w.server.Client().Get(w.server.URL + path)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode
}

func newDriftWorld(t *testing.T) *world {
	w := newWorld(t)
	w.gateway.Drift = drift.New(drift.Options{})
	return w
}

func TestEachAnsweredPictureIsCountedOnce(t *testing.T) {
	w := newDriftWorld(t)
	count := func() int {
		var report functions.DriftReport
		if status := w.getJSON("/v1/functions/eye/drift", &report); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		if report.ReferenceSize != functions.DefaultDriftReference || report.State != functions.DriftRecording || len(report.Signals) != 8 {
			t.Errorf("report %+v", report)
		}
		return report.Reference
	}
	if n := count(); n != 0 {
		t.Errorf("%d pictures before the first", n)
	}
	picture := aPicture(t)
	w.reply(first(w.post(detectPath, "image/png", bytes.NewReader(picture))))
	if n := count(); n != 1 {
		t.Errorf("one picture counts as %d", n)
	}
	w.reply(first(w.post(detectPath, "image/png", bytes.NewReader(picture), "Cache-Control", "max-age=0, No-Store")))
	if n := count(); n != 1 {
		t.Errorf("a picture that nothing is to be kept of is counted: %d", n)
	}
	w.refuse = functions.Errorf(functions.Unreadable, "no")
	w.post(detectPath, "image/png", bytes.NewReader(picture))
	if n := count(); n != 1 {
		t.Errorf("a picture that was refused is counted: %d", n)
	}
	w.refuse, w.abort = nil, 1
	w.reply(first(w.post(detectPath, "image/png", bytes.NewReader(picture))))
	if n := count(); n != 2 {
		t.Errorf("a picture that two instances were asked about counts as %d", n-1)
	}
}

func first(status int, _ http.Header, body []byte) (int, []byte) { return status, body }

func TestOneRunForManyCallersIsOnePicture(t *testing.T) {
	w := newDriftWorld(t)
	w.gate = make(chan struct{})
	picture := aPicture(t)
	answered := make(chan int)
	for range 3 {
		go func() {
			resp, err := http.Post(w.server.URL+detectPath, "image/png", bytes.NewReader(picture))
			if err != nil {
				t.Error(err)
				answered <- 0
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
	}
	for shared := false; !shared; {
		resp, err := http.Get(w.server.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text := new(bytes.Buffer)
		_, _ = text.ReadFrom(resp.Body)
		resp.Body.Close()
		shared = strings.Contains(text.String(), "saccade_recall_shared_total 2")
	}
	close(w.gate)
	for range 3 {
		if status := <-answered; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	var report functions.DriftReport
	if w.getJSON("/v1/functions/eye/drift", &report); report.Reference != 1 {
		t.Errorf("one run for three callers counts as %d pictures", report.Reference)
	}
}

func TestDriftIsRefusedWhereThereIsNone(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		room       *drift.Room
		status     int
	}{
		{"no function", "/v1/functions/ear/drift", drift.New(drift.Options{}), http.StatusNotFound},
		{"no statistics", "/v1/functions/eye/drift", nil, http.StatusServiceUnavailable},
		{"no reference yet", "/v1/functions/eye/drift/reference", drift.New(drift.Options{}), http.StatusServiceUnavailable},
		{"no statistics to follow", "/v1/functions/eye/drift/events", nil, http.StatusServiceUnavailable},
	} {
		w := newWorld(t)
		w.gateway.Drift = tt.room
		var said map[string]any
		if status := w.getJSON(tt.path, &said); status != tt.status {
			t.Errorf("%s: status %d, want %d; %v", tt.name, status, tt.status, said)
		}
	}
}

func TestDriftIsFollowedUntilTheGatewayDrains(t *testing.T) {
	w := newDriftWorld(t)
	resp, err := http.Get(w.server.URL + "/v1/functions/eye/drift/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the stream is %s", kind)
	}
	revision, err := w.gateway.Routes.Route("eye")
	if err != nil {
		t.Fatal(err)
	}
	answer := functions.Answer{Picture: functions.Picture{Width: 640, Height: 480}}
	for range functions.DefaultDriftReference {
		w.gateway.Drift.See(revision, functions.Parameters{}, answer)
	}
	answer.Picture.Width = 1280
	for range 2 * functions.DefaultDriftWindow {
		w.gateway.Drift.See(revision, functions.Parameters{}, answer)
	}
	var reference functions.DriftReference
	if status := w.getJSON("/v1/functions/eye/drift/reference", &reference); status != http.StatusOK || reference.Check() != nil {
		t.Errorf("the reference is %v, status %d", reference.Check(), status)
	}
	lines := bufio.NewScanner(resp.Body)
	var data string
	for data == "" && lines.Scan() {
		data, _ = strings.CutPrefix(lines.Text(), "data: ")
		if !strings.HasPrefix(lines.Text(), "data: ") {
			data = ""
		}
	}
	event, err := events.Parse([]byte(data))
	if err != nil || event.Type != events.TypeDrifted || event.Subject != "eye" || event.Source != "/saccade/functions/eye" {
		t.Errorf("event %+v, %v", event, err)
	}
	var change functions.DriftChange
	if err := json.Unmarshal(event.Data, &change); err != nil || !change.Drifted || len(change.Signals) != 2 || change.Signals[0].Signal != "width" {
		t.Errorf("change %+v, %v", change, err)
	}
	w.gateway.Drift.Hush()
	for lines.Scan() { // ends, or the test hangs
	}
}

func TestAnAnswerThatIsNotToBeKeptIsNotKept(t *testing.T) {
	w := newWorld(t)
	w.gateway.Recall = recall.New(recall.Options{CacheBytes: 1 << 20})
	picture := aPicture(t)
	for _, step := range []struct {
		cacheControl, recall string
	}{
		{"no-store", ""}, {"max-age=0", ""}, {"", "hit"}, {"no-store", ""},
	} {
		reply := w.reply(first(w.post(detectPath, "image/png", bytes.NewReader(picture), "Cache-Control", step.cacheControl)))
		if reply.Recall != step.recall {
			t.Errorf("with %q the answer is %q, want %q", step.cacheControl, reply.Recall, step.recall)
		}
	}
}
