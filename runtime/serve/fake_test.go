package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/runtime/vision"
)

// fake is a detector whose runs take time, and may fail.
type fake struct {
	takes time.Duration
	// fails, where set, is asked for each run's error; n counts runs from 1.
	fails func(n int) error

	mu             sync.Mutex
	runs, warmUps  int
	inside, inMost int
}

func (f *fake) run(ctx context.Context) error {
	f.mu.Lock()
	f.runs++
	n := f.runs
	f.inside++
	f.inMost = max(f.inMost, f.inside)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inside--
		f.mu.Unlock()
	}()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if f.fails != nil {
		return f.fails(n)
	}
	return nil
}

func (f *fake) Warm(ctx context.Context) error {
	f.mu.Lock()
	f.warmUps++
	f.mu.Unlock()
	return f.run(ctx)
}

func (f *fake) Detect(ctx context.Context, p *vision.Picture, ask functions.Parameters) ([]functions.Detection, functions.Timing, error) {
	err := f.run(ctx)
	return []functions.Detection{{Class: "cat", Score: 0.5}}, functions.Timing{Infer: functions.Millis(f.takes)}, err
}

// loads gives the function after a while.
func loads(after time.Duration, f *fake, parallel int) func(context.Context) (Function, error) {
	return func(context.Context) (Function, error) {
		time.Sleep(after)
		return Function{Detector: f, ModelSum: "abc", Parallel: parallel}, nil
	}
}

// starting runs Start in the background of a synctest bubble.
func starting(t *testing.T, s *Server, load func(context.Context) (Function, error)) <-chan error {
	t.Helper()
	started := make(chan error, 1)
	go func() { started <- s.Start(context.Background(), load) }()
	return started
}

// bubble runs test with time of its own.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// result is what became of a request.
type result struct {
	status int
	header http.Header
	answer functions.Answer
	refuse *functions.Error
	took   time.Duration
}

// ask sends a picture and waits for what becomes of it.
func ask(ctx context.Context, s *Server, query string, body []byte) result {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/detect"+query, bytes.NewReader(body))
	w := httptest.NewRecorder()
	began := time.Now()
	s.ServeHTTP(w, r)
	got := result{status: w.Code, header: w.Header(), took: time.Since(began)}
	if w.Code == http.StatusOK {
		_ = json.Unmarshal(w.Body.Bytes(), &got.answer)
	} else {
		got.refuse = problem.Read(w.Result())
	}
	return got
}

// asking asks in the background.
func asking(ctx context.Context, s *Server, body []byte) <-chan result {
	done := make(chan result, 1)
	go func() { done <- ask(ctx, s, "", body) }()
	return done
}

func get(s *Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
