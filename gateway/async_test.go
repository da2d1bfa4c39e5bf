package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// asyncWorld is a world that keeps jobs, and knows ann, bob and root by their keys; root
// is the administrator.
type asyncWorld struct {
	*world
	jobs *jobs.Jobs
	keys map[string]string
	stop func()
}

func newAsyncWorld(t *testing.T, o jobs.Options, routes ...events.Route) *asyncWorld {
	w := &asyncWorld{world: newWorld(t), keys: map[string]string{}}
	who := access.Options{Open: new(true)}
	for _, name := range []string{"ann", "bob", "root"} {
		grant := access.Grant{}
		if name == "root" {
			grant.Scopes = access.Scopes
		}
		key, text, err := access.NewKey(name, grant)
		if err != nil {
			t.Fatal(err)
		}
		who.Keys, w.keys[name] = append(who.Keys, key), text
	}
	callers, err := access.New(who, "127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(callers.Close)
	o.Dir, o.MinFree, o.Backoff = t.TempDir(), -1, 20*time.Millisecond
	if w.jobs, err = jobs.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	rooms := w.gateway.Rooms
	rooms.Jobs = w.jobs
	w.gateway = New(rooms, w.world, Options{
		Events: EventOptions{Routes: events.Routes{Table: routes}},
		Access: callers,
	})
	w.server.Close()
	w.server = httptest.NewServer(w.gateway.Handler())
	t.Cleanup(w.server.Close)
	w.stop = func() {}
	t.Cleanup(func() {
		w.stop()
		if err := w.jobs.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// works begins to work on jobs.
func (w *asyncWorld) works() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.jobs.Run(ctx, w.gateway.Work) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("running: %v", err)
		}
	})
}

func (w *asyncWorld) do(method, path string, header ...string) (int, http.Header, []byte) {
	w.Helper()
	return w.send(method, path, nil, header...)
}

// accepted reads the answer to a request that is done later.
func (w *asyncWorld) accepted(status int, h http.Header, body []byte) jobReceipt {
	w.Helper()
	var receipt jobReceipt
	if err := json.Unmarshal(body, &receipt); err != nil || status != http.StatusAccepted || h.Get("Location") != receipt.StatusURL ||
		h.Get("Preference-Applied") != "respond-async" || receipt.StatusURL != "/v1/jobs/"+receipt.ID {
		w.Fatalf("status %d, %v, %s, %v", status, h, body, err)
	}
	return receipt
}

// followed are the states that the stream of a job tells, to its end.
func (w *asyncWorld) followed(path string, header ...string) (states []string, last jobs.Status) {
	w.Helper()
	status, h, body := w.do(http.MethodGet, path+"/events", header...)
	if status != http.StatusOK || h.Get("Content-Type") != "text/event-stream" {
		w.Fatalf("status %d, %v, %s", status, h, body)
	}
	lines := bufio.NewScanner(bytes.NewReader(body))
	for lines.Scan() {
		if state, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			states = append(states, state)
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = jobs.Status{}
			if err := json.Unmarshal([]byte(data), &last); err != nil {
				w.Fatal(err)
			}
		}
	}
	return states, last
}

func TestARequestThatPrefersItIsAnsweredLater(t *testing.T) {
	picture := aPicture(t)
	form, formType := aLateForm(t, picture, "min_score", "0.4")
	for _, tt := range []struct{ name, media, body, query string }{
		{"a picture", "image/png", string(picture), "min_score=0.4"},
		{"JSON with a picture", "application/json", `{"image":{"base64":"` + base64.StdEncoding.EncodeToString(picture) + `"},"min_score":0.4}`, "min_score=0.4"},
		{"a form", formType, form, "min_score=0.4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newAsyncWorld(t, jobs.Options{})
			path := detectPath
			if tt.media == "image/png" {
				path += "?min_score=0.4"
			}
			receipt := w.accepted(w.post(path, tt.media, strings.NewReader(tt.body), "Prefer", "wait=5, Respond-Async"))
			if receipt.State != jobs.Queued || w.woken != 0 {
				t.Errorf("the receipt is %+v, %d were woken", receipt, w.woken)
			}
			w.works()
			states, last := w.followed(receipt.StatusURL)
			if states[len(states)-1] != "done" || last.Owner != "open:anyone" {
				t.Errorf("the states are %v, the last %+v", states, last)
			}
			reply := w.world.reply(http.StatusOK, last.Result)
			if len(reply.Detections) != 1 || len(w.asked) != 1 || string(w.asked[0]) != string(picture) || w.queries[0] != tt.query {
				t.Errorf("the result is %s, asked was %q", last.Result, w.queries)
			}
			status, _, body := w.do(http.MethodGet, receipt.StatusURL)
			var shown jobs.Status
			if err := json.Unmarshal(body, &shown); err != nil || status != http.StatusOK || shown.State != jobs.Done {
				t.Errorf("status %d, %s, %v", status, body, err)
			}
			if status, _, _ := w.do(http.MethodGet, receipt.StatusURL+"/events", "Last-Event-ID", fmt.Sprint(last.Version)); status != http.StatusNoContent {
				t.Errorf("who has seen all gets %d", status)
			}
		})
	}
}

// aLateForm is a multipart body whose field comes after the picture.
func aLateForm(t *testing.T, picture []byte, field, value string) (body, contentType string) {
	t.Helper()
	const boundary = "limit"
	return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n" + string(picture) +
		"\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + field + "\"\r\n\r\n" + value +
		"\r\n--" + boundary + "--\r\n", "multipart/form-data; boundary=" + boundary
}

func TestAPictureBehindAURLIsFetchedWhenItsTurnComes(t *testing.T) {
	picture := aPicture(t)
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture) }))
	defer source.Close()
	w := newAsyncWorld(t, jobs.Options{})
	receipt := w.accepted(w.post(detectPath, "application/json", strings.NewReader(`{"image":{"url":"`+source.URL+`"}}`), "Prefer", "respond-async"))
	w.works()
	if _, last := w.followed(receipt.StatusURL); last.State != jobs.Done || len(w.asked) != 1 || string(w.asked[0]) != string(picture) {
		t.Errorf("it is %+v", last)
	}
}

func TestTheSameKeyIsTheSameJob(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{})
	send := func(key, caller, body string) (int, http.Header, []byte) {
		return w.post(detectPath, "application/octet-stream", strings.NewReader(body), "Prefer", "respond-async", "Idempotency-Key", key, "X-API-Key", w.keys[caller])
	}
	picture := string(aPicture(t))
	first := w.accepted(send(`"a key"`, "ann", picture))
	if again := w.accepted(send("a key", "ann", picture)); again.ID != first.ID {
		t.Errorf("%s, then %s", first.ID, again.ID)
	}
	if other := w.accepted(send("a key", "bob", picture)); other.ID == first.ID {
		t.Error("two callers have one job")
	}
	if kind := w.kind(send("a key", "ann", picture+" ")); kind != functions.Conflict {
		t.Errorf("the same key with another picture is %s", kind)
	}
	if kind := w.kind(send(strings.Repeat("k", 256), "ann", picture)); kind != functions.Invalid {
		t.Errorf("a key that is too long is %s", kind)
	}
}

func TestWhatCannotBeDoneIsRefusedBeforeItIsAccepted(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{})
	picture := string(aPicture(t))
	for _, tt := range []struct {
		name, path, media, body, prefer string
		kind                            functions.Kind
	}{
		{"no such function", "/v1/functions/none/detect", "image/png", picture, "respond-async", functions.NotFound},
		{"a parameter out of range", detectPath + "?min_score=2", "image/png", picture, "respond-async", functions.Invalid},
		{"no picture", detectPath, "image/png", "<svg", "respond-async", functions.Unsupported},
		{"nothing", detectPath, "image/png", "", "respond-async", functions.Unreadable},
		{"JSON that is none", detectPath, "application/json", "{", "respond-async", functions.Invalid},
		{"a callback that is not allowed", detectPath + "?callback=https://example.com/", "image/png", picture, "respond-async", functions.Forbidden},
		{"two callbacks", detectPath + "?callback=https://a.test/&callback=https://b.test/", "image/png", picture, "respond-async", functions.Invalid},
		{"a callback for who waits", detectPath + "?callback=https://example.com/", "image/png", picture, "", functions.Invalid},
	} {
		if kind := w.kind(w.post(tt.path, tt.media, strings.NewReader(tt.body), "Prefer", tt.prefer)); kind != tt.kind {
			t.Errorf("%s: %s, want %s", tt.name, kind, tt.kind)
		}
	}
	if page, _, err := w.jobs.List(t.Context(), jobs.Filter{}); err != nil || len(page) != 0 {
		t.Errorf("%d jobs were accepted, %v", len(page), err)
	}
}

func TestACallerSeesItsOwnJobsAlone(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{})
	own := w.accepted(w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "Prefer", "respond-async", "X-API-Key", w.keys["ann"]))
	for _, path := range []string{own.StatusURL, own.StatusURL + "/events"} {
		if kind := w.kind(w.do(http.MethodGet, path, "X-API-Key", w.keys["bob"])); kind != functions.JobNotFound {
			t.Errorf("%s is %s to another", path, kind)
		}
	}
	if kind := w.kind(w.do(http.MethodDelete, own.StatusURL, "X-API-Key", w.keys["bob"])); kind != functions.JobNotFound {
		t.Errorf("another's job is cancelled: %s", kind)
	}
	if kind := w.kind(w.do(http.MethodPost, own.StatusURL+"/redrive", "X-API-Key", w.keys["ann"])); kind != functions.NotPermitted {
		t.Errorf("who is no administrator sends round again: %s", kind)
	}
	if kind := w.kind(w.do(http.MethodPost, own.StatusURL+"/redrive", "X-API-Key", w.keys["root"])); kind != functions.Conflict {
		t.Errorf("what is not dead is sent round again: %s", kind)
	}
	for caller, want := range map[string]int{"ann": 1, "bob": 0, "root": 1} {
		status, _, body := w.do(http.MethodGet, "/v1/jobs?function=eye&state=queued&limit=10", "X-API-Key", w.keys[caller])
		var list jobList
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK || len(list.Jobs) != want || list.Jobs == nil {
			t.Errorf("%s sees %s, %v", caller, body, err)
		}
	}
	for _, query := range []string{"state=lost", "limit=0", "limit=x", "cursor=x", "what=1"} {
		if kind := w.kind(w.do(http.MethodGet, "/v1/jobs?"+query)); kind != functions.Invalid {
			t.Errorf("%s is %s", query, kind)
		}
	}
	if status, _, body := w.do(http.MethodDelete, own.StatusURL, "X-API-Key", w.keys["ann"]); status != http.StatusNoContent {
		t.Errorf("cancelling: %d, %s", status, body)
	}
	if states, _ := w.followed(own.StatusURL, "X-API-Key", w.keys["ann"]); !slices.Equal(states, []string{"cancelled"}) {
		t.Errorf("the states are %v", states)
	}
}

func TestAnEventIsAcceptedWithNothingThatATriggerTakesForAFailure(t *testing.T) {
	got := make(chan events.Event, 10)
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, err := events.FromHeader(r.Header)
		if err != nil {
			t.Error(err)
		}
		e.Data, _ = io.ReadAll(r.Body)
		got <- e
	}))
	t.Cleanup(sink.Close)
	w := newAsyncWorld(t, jobs.Options{}, events.Route{Source: "/camera", Function: "eye", Delivery: events.DeliveryAsync, Sink: sink.URL})
	w.works()
	asAnn := append(slices.Clone(head), "X-API-Key", w.keys["ann"])
	status, h, body := w.post("/", "image/png", bytes.NewReader(aPicture(t)), asAnn...)
	if status != http.StatusAccepted || len(body) != 0 || !strings.HasPrefix(h.Get("Location"), "/v1/jobs/eye-") || h.Get("Ce-Type") != "" || h.Get("Preference-Applied") != "" {
		t.Fatalf("status %d, %v, %s", status, h, body)
	}
	detected(t, <-got)
	status, again, _ := w.post("/", "image/png", bytes.NewReader(aPicture(t)), asAnn...)
	if status != http.StatusAccepted || again.Get("Location") != h.Get("Location") || len(w.asked) != 1 {
		t.Errorf("the same event again: %d, %s, %d pictures asked", status, again.Get("Location"), len(w.asked))
	}
	if states, last := w.followed(h.Get("Location"), "X-API-Key", w.keys["root"]); states[len(states)-1] != "done" || last.Deliveries[0].Sink != sink.URL {
		t.Errorf("it is %+v", last)
	}
	if _, last := w.followed(h.Get("Location"), "X-API-Key", w.keys["ann"]); last.Deliveries[0].Sink != "" {
		t.Error("a caller is told where the operator's sink is")
	}
}

func TestABatchIsAcceptedWholeOrNotAtAll(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{})
	good := func(id string) string { return inJSON(id, forEye+inPNG(t)) }
	bad := inJSON("3", forEye+`"data":{"image":{}}`)
	send := func(all ...string) (int, http.Header, []byte) {
		return w.post("/", events.ContentTypeBatch, strings.NewReader("["+strings.Join(all, ",")+"]"), "Prefer", "respond-async")
	}
	status, h, body := send(good("1"), good("2"), bad)
	if kind := w.kind(status, h, body); kind != functions.Invalid || !strings.Contains(string(body), "event 3 of the batch") {
		t.Errorf("a bad one among them: %s", body)
	}
	if page, _, err := w.jobs.List(t.Context(), jobs.Filter{}); err != nil || len(page) != 0 {
		t.Errorf("%d jobs were accepted, %v", len(page), err)
	}
	status, h, body = send(good("1"), good("2"))
	all, err := events.Split(body, 10)
	if status != http.StatusAccepted || h.Get("Content-Type") != events.ContentTypeBatch || err != nil || len(all) != 2 {
		t.Fatalf("status %d, %v, %s, %v", status, h, body, err)
	}
	w.works()
	for i, text := range all {
		e, err := events.Parse(text)
		if err != nil || e.Type != events.TypeAccepted || e.Extensions["causationid"] != fmt.Sprint(i+1) {
			t.Errorf("answered with %s, %v", text, err)
		}
		var receipt jobReceipt
		if err := json.Unmarshal(e.Data, &receipt); err != nil {
			t.Fatal(err)
		}
		if states, _ := w.followed(receipt.StatusURL); states[len(states)-1] != "done" {
			t.Errorf("the states are %v", states)
		}
	}
}

func TestInABatchTheRoutesSayWhichEventsAreAnsweredLater(t *testing.T) {
	w := newAsyncWorld(t, jobs.Options{}, events.Route{Source: "/later", Function: "eye", Delivery: events.DeliveryAsync})
	now := inJSON("1", forEye+inPNG(t))
	later := strings.Replace(inJSON("2", forEye+inPNG(t)), `"/camera"`, `"/later"`, 1)
	bad := strings.Replace(inJSON("3", forEye+`"data":{}`), `"/camera"`, `"/later"`, 1)
	status, _, body := w.post("/", events.ContentTypeBatch, strings.NewReader("["+now+","+later+","+bad+"]"))
	all, err := events.Split(body, 10)
	if status != http.StatusOK || err != nil || len(all) != 3 {
		t.Fatalf("status %d, %s, %v", status, body, err)
	}
	for i, want := range []string{events.TypeDetected, events.TypeAccepted, events.TypeFailed} {
		if e, err := events.Parse(all[i]); err != nil || e.Type != want {
			t.Errorf("event %d is answered with %s, %v", i+1, all[i], err)
		}
	}
}

func TestWithoutJobsAPreferenceIsNotHeeded(t *testing.T) {
	w := newWorld(t)
	status, h, body := w.post(detectPath, "image/png", bytes.NewReader(aPicture(t)), "Prefer", "respond-async")
	w.reply(status, body)
	if h.Get("Preference-Applied") != "" {
		t.Error("it says that it did")
	}
	if status, _, _ := w.post("/v1/jobs", "", nil); status != http.StatusNotFound {
		t.Errorf("there is a door to jobs: %d", status)
	}
}

func TestPreferIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]bool{
		"respond-async": true, "Respond-Async": true, "wait=10, respond-async": true, "respond-async;foo=1,x": true,
		"respond-async=\"\"": true, "": false, "respond-asynchronously": false, "return=minimal": false, "x;respond-async": false,
		"respond-async=no": false,
	} {
		if got := prefersAsync(http.Header{"Prefer": {"handling=lenient", text}}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
