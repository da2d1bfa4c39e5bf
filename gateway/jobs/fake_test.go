package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// quick are options with which tests wait for nothing but what they are about.
func quick(t *testing.T) Options {
	return Options{
		Dir: t.TempDir(), MinFree: -1, Lease: 2 * time.Second, Drain: 2 * time.Second,
		Backoff: 20 * time.Millisecond, MaxBackoff: 100 * time.Millisecond,
	}
}

func open(t *testing.T, o Options) *Jobs {
	t.Helper()
	j := openOnly(t, o)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// openOnly leaves the closing to the test.
func openOnly(t *testing.T, o Options) *Jobs {
	t.Helper()
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// run works until the test ends, or stop is called.
func run(t *testing.T, j *Jobs, work Work) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx, work) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("running: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// job asks the function eye for something, under the id.
func job(id string) Job {
	return Job{Function: "eye", Event: events.Event{
		ID: id, Source: "/camera", Type: events.TypeDetect, DataContentType: "image/png", Data: []byte("a picture, " + id),
		Extensions: map[string]any{"traceparent": "00-1-2-01"},
	}}
}

// answerTo is an answer that tells what it is to.
func answerTo(job Job) (events.Event, error) {
	data, err := json.Marshal(map[string]string{"seen": string(job.Event.Data)})
	return events.Event{
		ID: "answer-" + job.Event.ID, Source: "/saccade/functions/" + job.Function, Type: events.TypeDetected,
		DataContentType: "application/json", Data: data,
		Extensions: map[string]any{"causationid": job.Event.ID, "traceparent": "00-1-2-01", "price": "0.01"},
	}, err
}

func accept(t *testing.T, j *Jobs, job Job) Receipt {
	t.Helper()
	r, err := j.Accept(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until watches a job until it has come to a state, and fails where it ends in another.
func until(t *testing.T, j *Jobs, id string, states ...State) Status {
	t.Helper()
	return untilThat(t, j, id, func(s Status) bool { return slices.Contains(states, s.State) })
}

// untilThat watches a job until it is as wanted, and fails where it ends otherwise.
func untilThat(t *testing.T, j *Jobs, id string, wanted func(Status) bool) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := j.Watch(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for {
		status, err := w.Next(ctx)
		if err != nil {
			last, _ := j.Get(t.Context(), id)
			t.Fatalf("%s never came to what is wanted: %v; it is %+v", id, err, last)
		}
		if wanted(status) {
			return status
		}
	}
}

// sink is a receiver of answers.
type sink struct {
	*httptest.Server
	mu    sync.Mutex
	got   []events.Event
	heads []http.Header
	// refuse is what the next answers get instead of 202.
	refuse func(w http.ResponseWriter) bool
}

func newSink(t *testing.T) *sink {
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := events.FromHeader(r.Header)
		if err != nil {
			t.Errorf("a sink got no event: %v", err)
		}
		e.Data, _ = io.ReadAll(r.Body)
		s.mu.Lock()
		refuse := s.refuse
		s.mu.Unlock()
		if refuse != nil && refuse(w) {
			return
		}
		s.mu.Lock()
		s.got, s.heads = append(s.got, e), append(s.heads, r.Header)
		s.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) refuseWith(refuse func(w http.ResponseWriter) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *sink) received() []events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]events.Event(nil), s.got...)
}

// worker counts what it is given, and fails as told.
type worker struct {
	mu    sync.Mutex
	done  map[string]int
	fails map[string][]error // by event id, in order
}

func newWorker() *worker { return &worker{done: map[string]int{}, fails: map[string][]error{}} }

func (w *worker) work(_ context.Context, job Job) (events.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[job.Event.ID]++
	if fails := w.fails[job.Event.ID]; len(fails) > 0 {
		w.fails[job.Event.ID] = fails[1:]
		return events.Event{}, fails[0]
	}
	return answerTo(job)
}

func (w *worker) times(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[id]
}

func kindIs(t *testing.T, err error, want functions.Kind) *functions.Error {
	t.Helper()
	e, ok := errors.AsType[*functions.Error](err)
	if !ok || e.Kind != want {
		t.Fatalf("the error is %v; want one of the kind %s", err, want)
	}
	return e
}

func named(format string, args ...any) string { return fmt.Sprintf(format, args...) }
