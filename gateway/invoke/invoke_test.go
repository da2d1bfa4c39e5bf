package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// serve is an instance on a Unix socket.
func serve(t *testing.T, handler http.HandlerFunc) coldstart.Instance {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return coldstart.Instance{Name: "eye-1", Network: "unix", Address: path}
}

func TestThePictureAndItsParametersReachTheInstance(t *testing.T) {
	var body, query string
	instance := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body, query = string(b), r.URL.RawQuery
		_ = json.NewEncoder(w).Encode(functions.Answer{ModelSum: "5um", Cold: true})
	})
	invoker := New()
	defer invoker.Close()
	answer, err := invoker.Detect(t.Context(), instance, []byte("a picture"), functions.Parameters{MinScore: new(0.25), Draw: "png"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(functions.Answer{ModelSum: "5um", Cold: true}, answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if body != "a picture" || query != "draw=png&min_score=0.25" {
		t.Errorf("the instance got %q with %q", body, query)
	}
}

func TestWhatGoesWrongIsTold(t *testing.T) {
	invoker := New()
	defer invoker.Close()
	ask := func(ctx context.Context, instance coldstart.Instance) error {
		_, err := invoker.Detect(ctx, instance, []byte("a picture"), functions.Parameters{})
		return err
	}

	t.Run("a refusal is the error it was in the instance", func(t *testing.T) {
		refusal := &functions.Error{Kind: functions.Busy, Detail: "too much", RetryAfter: 2 * time.Second}
		err := ask(t.Context(), serve(t, func(w http.ResponseWriter, _ *http.Request) { problem.Write(w, refusal) }))
		got, ok := errors.AsType[*functions.Error](err)
		if !ok || got.Kind != refusal.Kind || got.Detail != refusal.Detail || got.RetryAfter != refusal.RetryAfter {
			t.Errorf("err = %+v, want %+v", err, refusal)
		}
	})
	t.Run("an instance that dies is lost", func(t *testing.T) {
		err := ask(t.Context(), serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		if !errors.Is(err, ErrLost) || functions.KindOf(err) != functions.Unavailable {
			t.Errorf("err = %v, want a loss", err)
		}
	})
	t.Run("an instance that dies in the middle of its answer is lost", func(t *testing.T) {
		err := ask(t.Context(), serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"detections":[`)
		}))
		if !errors.Is(err, ErrLost) {
			t.Errorf("err = %v, want a loss", err)
		}
	})
	t.Run("an instance that is not there is lost", func(t *testing.T) {
		err := ask(t.Context(), coldstart.Instance{Network: "unix", Address: filepath.Join(t.TempDir(), "none")})
		if !errors.Is(err, ErrLost) {
			t.Errorf("err = %v, want a loss", err)
		}
	})
	t.Run("a caller who leaves is not a loss", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := ask(ctx, serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		}))
		if errors.Is(err, ErrLost) || !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v, want the caller's own leaving", err)
		}
	})
	t.Run("an answer that cannot be read is no loss: another instance would say the same", func(t *testing.T) {
		err := ask(t.Context(), serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
		if err == nil || errors.Is(err, ErrLost) {
			t.Errorf("err = %v", err)
		}
	})
}

// The bytes may be used for another picture as soon as Detect has returned.
func TestNobodyReadsThePictureAfterwards(t *testing.T) {
	refusing := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, functions.Errorf(functions.Busy, "full")) // and reads nothing
	})
	dying := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	invoker := New()
	defer invoker.Close()
	picture := make([]byte, 8<<20) // more than any buffer between the two
	for range 10 {
		for _, instance := range []coldstart.Instance{refusing, dying} {
			for _, patience := range []time.Duration{time.Millisecond, time.Minute} {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				_, err := invoker.Detect(ctx, instance, picture, functions.Parameters{})
				cancel()
				if err == nil {
					t.Fatal("the picture was taken")
				}
				clear(picture) // the race detector looks on
			}
		}
	}
}
