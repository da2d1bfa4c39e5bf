package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/models/store"
)

func TestAnswersThatAreNoModel(t *testing.T) {
	for name, c := range map[string]struct {
		serve    http.HandlerFunc
		want     string
		requests int
	}{
		"404":                      {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "answered 404 Not Found", 1},
		"403":                      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) }, "answered 403 Forbidden", 1},
		"500":                      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, "answered 500 Internal Server Error", 3},
		"429":                      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) }, "answered 429 Too Many Requests", 3},
		"204":                      {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, "answered 204 No Content", 1},
		"a range nobody asked for": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(206) }, "answered 206", 1},
		"a web page": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>sign in</html>")
		}, "sent a web page", 1},
		"nothing": {func(w http.ResponseWriter, r *http.Request) {}, "sent an empty file", 1},
		"compressed bytes": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("x"))
		}, "compressed", 1},
		"too much by its header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1001")
		}, "larger than we take", 1},
		"too much without a header": {func(w http.ResponseWriter, r *http.Request) {
			for range 100 {
				_, _ = w.Write(make([]byte, 100))
				_ = http.NewResponseController(w).Flush()
			}
		}, "larger than we take", 1},
		"redirects without end": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}, "sends us on and on", 6},
		"a connection that ends before the answer": {func(w http.ResponseWriter, r *http.Request) {
			panic(http.ErrAbortHandler)
		}, "cannot be reached", 3},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, nil)
			h.answer(func(_ int, w http.ResponseWriter, r *http.Request) { c.serve(w, r) })
			s, root := open(t, store.Options{MaxBytes: 1000})
			_, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
			refused(t, err, root, c.want)
			if host := strings.TrimPrefix(h.URL, "http://"); !strings.Contains(err.Error(), host) {
				t.Errorf("%v does not name %s", err, host)
			}
			if n := len(h.requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestAServerThatIsAway(t *testing.T) {
	h := newHost(t, nil)
	h.Close()
	s, root := open(t, store.Options{})
	_, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	refused(t, err, root, strings.TrimPrefix(h.URL, "http://")+" cannot be reached for the model")
}

func TestASecureAddressStaysSecure(t *testing.T) {
	h := newHost(t, bytesOf(1, 10))
	secure := httptest.NewTLSServer(http.RedirectHandler(h.uri(), http.StatusFound))
	defer secure.Close()
	s, root := open(t, store.Options{Transport: secure.Client().Transport})
	_, err := s.Pull(t.Context(), store.Request{URI: secure.URL + "/m.onnx"}, nil)
	refused(t, err, root, "unsafe address")
	if n := len(h.requests()); n > 0 {
		t.Errorf("%d requests in the open", n)
	}
}

func TestCredentialsStayOutOfTheLockFileAndErrors(t *testing.T) {
	h := newHost(t, bytesOf(1, 10))
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.content(n, w, r)
	})
	s, root := open(t, store.Options{})
	with := func(password string) string { return strings.Replace(h.uri(), "http://", "http://me:"+password+"@", 1) }
	_, err := s.Pull(t.Context(), store.Request{URI: with("wrong")}, nil)
	refused(t, err, root, "answered 401")
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("the log tells the password: %v", err)
	}
	m, err := s.Pull(t.Context(), store.Request{URI: with("secret")}, nil)
	holds(t, m, err, h.body)
	if m.From != h.uri() {
		t.Errorf("from %s", m.From)
	}
	m, err = s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, h.body)
}

// silent answers with body and then says nothing more, or nothing at all.
type silent struct {
	body  []byte
	calls int
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	if s.body == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	resp := &http.Response{StatusCode: 200, Request: r, ContentLength: 1000, Header: http.Header{}}
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(s.body), untilDone{r.Context()}))
	return resp, nil
}

type untilDone struct{ ctx context.Context }

func (u untilDone) Read([]byte) (int, error) {
	<-u.ctx.Done()
	return 0, u.ctx.Err()
}

func TestAServerThatFallsSilentIsLetGo(t *testing.T) {
	for name, c := range map[string]struct {
		body  []byte
		want  string
		tries int
		took  time.Duration
	}{
		"before its answer": {nil, "h.example does not answer when asked for the model", 3, 91500 * time.Millisecond},
		// The first try is a gain; the same bytes once more are none.
		"in its answer": {[]byte("model"), "h.example stopped sending the model", 4, 123500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &silent{body: c.body}
				root := t.TempDir()
				s, err := store.Open(root, store.Options{Transport: transport})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err = s.Pull(t.Context(), store.Request{URI: "https://h.example/m.onnx"}, nil)
				refused(t, err, root, c.want)
				// Each try is 30s of silence; the waits between them are 0.5s, 1s and 2s.
				if took := time.Since(start); took != c.took || transport.calls != c.tries {
					t.Errorf("%d tries in %v", transport.calls, took)
				}
			})
		})
	}
}

func TestACallerThatLeavesEndsItsDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.TempDir(), store.Options{Transport: &silent{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = s.Pull(ctx, store.Request{URI: "https://h.example/m.onnx"}, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		// The bubble fails the test where a goroutine stays behind.
	})
}
