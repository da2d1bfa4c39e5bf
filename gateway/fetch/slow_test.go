package fetch

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// pipes makes f reach a web server in memory, so that time is the bubble's own.
func pipes(t *testing.T, f *Fetcher, handler http.HandlerFunc) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Shutdown(context.Background()) // waits for handlers, which Close does not
		<-done
	})
	f.connect = func(_ *net.Dialer, ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestAFarSideThatIsSlow(t *testing.T) {
	dribble := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0xff})
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	}
	for _, tt := range []struct {
		name    string
		o       Options
		handler http.HandlerFunc
		after   time.Duration
		says    string
	}{
		{
			"an endless dribble ends with the whole fetch's time",
			Options{},
			dribble,
			DefaultTimeout, "pictures.example.com did not hand over the picture within 10s",
		},
		{
			"the time is the operator's to set",
			Options{Timeout: 3 * time.Second},
			dribble,
			3 * time.Second, "within 3s",
		},
		{
			"a header that never comes ends sooner",
			Options{},
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			DefaultHeaderTimeout, "pictures.example.com did not answer in time",
		},
		{
			"a body that stops ends with the whole fetch's time",
			Options{},
			func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "image/jpeg")
				_, _ = w.Write([]byte("some"))
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			},
			DefaultTimeout, "within 10s",
		},
		{
			"redirects share one time",
			Options{},
			func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(4 * time.Second)
				http.Redirect(w, r, "/", http.StatusFound)
			},
			DefaultTimeout, "within 10s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFetcher(t, tt.o)
				pipes(t, f, tt.handler)
				begin := time.Now()
				_, err := f.Fetch(t.Context(), "http://pictures.example.com/x.jpg")
				wantError(t, err, functions.SourceTimeout, tt.says)
				if took := time.Since(begin); took != tt.after {
					t.Errorf("took %v, want %v", took, tt.after)
				}
			})
		})
	}
}

func TestACallersDeadlineIsTheCallersError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFetcher(t, Options{})
		pipes(t, f, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Fetch(ctx, "http://pictures.example.com/x.jpg")
		if err == nil || functions.KindOf(err) != functions.Internal || !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("got %v, want the caller's own deadline", err)
		}
	})
}

func TestASlowPictureWithinItsTimeIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFetcher(t, Options{})
		pipes(t, f, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(4 * time.Second)
			w.Header().Set("Content-Type", "image/gif")
			_, _ = io.WriteString(w, "GIF")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Second)
			_, _ = io.WriteString(w, "89a")
		})
		picture, err := f.Fetch(t.Context(), "http://pictures.example.com/x.jpg")
		if err != nil || string(picture) != "GIF89a" {
			t.Errorf("got %q, %v", picture, err)
		}
	})
}
