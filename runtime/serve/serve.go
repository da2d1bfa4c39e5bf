// Package serve is the function server: one function over HTTP.
//
// It receives pictures from the first moment of the process on, and a function
// that is loaded meanwhile (see [Server.Start]); it hands on answers, and to
// whoever brought the process up, when it is ready and what that was spent on. It
// refuses more waiting pictures, and more bytes of them, than it has room for.
//
//	POST /v1/detect?min_score=0.4&draw=png    the body is the picture; a functions.Answer
//	GET  /v1/start                            waits until ready; a functions.Started
//	GET  /healthz                             alive
//	GET  /readyz                              ready, or not, at once
//	GET  /metrics                             for Prometheus
//
// Every refusal is a problem (RFC 9457).
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/runtime/device"
	"github.com/seed45885407/saccade/runtime/vision"
)

// Detector finds objects in pictures. It is used by several goroutines at once.
type Detector interface {
	// Warm makes one run at the served shape.
	Warm(ctx context.Context) error
	// Detect gives the time it spent in Preprocess, Infer and Postprocess.
	Detect(ctx context.Context, p *vision.Picture, ask functions.Parameters) ([]functions.Detection, functions.Timing, error)
}

// Function is a loaded function.
type Function struct {
	// Name is the function's; "" where it is not known.
	Name     string
	Detector Detector
	// ModelSum is the SHA-256 of the model file.
	ModelSum string
	// Parallel is how many runs go at a time, at least 1.
	Parallel int
	// Batch is the most pictures of one run. 0 means 1.
	Batch int
	// Runs, where set, is how many runs there were, by their number of pictures.
	Runs func() []uint64
	// Providers execute the model, in the order in which they are asked; Passed are
	// those that were preferred and could not be had.
	Providers []string
	Passed    []functions.PassedProvider
	// Device is the GPU that it runs on. Zero: none, or none that is known.
	Device device.GPU
}

// places is how many pictures may be in a run or gathered for the next.
func (f Function) places() int {
	if f.Batch > 1 {
		return (f.Parallel + 1) * f.Batch
	}
	return f.Parallel
}

// Options say how much a Server takes on. Zero fields mean the defaults.
type Options struct {
	// Asked is what went by before main's first line; it is the start's first phase.
	Asked time.Duration
	// Began is main's first line. Default: now.
	Began time.Time
	// Requests is the most that are inside at a time, waiting ones included.
	// Default 64.
	Requests int
	// Bytes is the most that their pictures have together, encoded. Default 256 MB.
	Bytes int64
	// Limits bound a picture.
	Limits vision.Limits
	// Upload is how long a request's body may take. Default one minute.
	Upload time.Duration
	// Log gets faults of ours, and nothing else. Default: none.
	Log *slog.Logger
	// Tracer makes the spans of requests. Default (nil): there are none.
	Tracer trace.Tracer
	// Version is the program's, for the metrics. Default: unknown.
	Version string
}

const (
	defaultRequests = 64
	defaultBytes    = 256_000_000
	defaultUpload   = time.Minute
	// busyFor is when a busy server is worth another try.
	busyFor = time.Second
)

func (o Options) withDefaults() Options {
	if o.Began.IsZero() {
		o.Began = time.Now()
	}
	if o.Requests <= 0 {
		o.Requests = defaultRequests
	}
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	if o.Limits.MaxBytes <= 0 {
		o.Limits.MaxBytes = vision.DefaultMaxBytes
	}
	if o.Upload <= 0 {
		o.Upload = defaultUpload
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	return o
}

// Server serves one function. It is an http.Handler from the moment it is made.
type Server struct {
	options  Options
	handler  *http.ServeMux
	http     http.Server
	end      context.CancelCauseFunc // of every request
	start    *start
	room     room
	decodes  slots
	pace     pace
	bodies   sync.Pool // of *[]byte: memory of pictures' bytes
	meters   *meters
	draining atomic.Bool
}

// New makes a server that waits for its function.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		options: o,
		start:   newStart(o),
		room:    room{requests: newSlots(o.Requests), most: o.Bytes},
		decodes: newSlots(runtime.GOMAXPROCS(0)),
	}
	s.room.expected = func() time.Duration { return s.expected(0) }
	s.meters = newMeters(s)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/detect", s.serveDetect)
	mux.HandleFunc("GET /v1/start", s.serveStart)
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", s.meters.handler())
	s.handler = mux

	base, end := context.WithCancelCause(context.Background())
	s.end = end
	s.http = http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug), // strangers' broken connections
	}
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		if fault := recover(); fault != nil {
			s.options.Log.Error("request panicked", "fault", fault, "stack", string(debug.Stack()))
			problem.Write(w, functions.Errorf(functions.Internal, ""))
		}
	}()
	s.handler.ServeHTTP(w, r)
}

// Serve answers requests on the listener until [Server.Drain].
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Drain stops the server: readiness fails, no more connections are taken, and the
// requests inside are finished. Those that are not when ctx ends are cancelled.
func (s *Server) Drain(ctx context.Context) error {
	s.draining.Store(true)
	err := s.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	s.end(functions.Errorf(functions.Unavailable, "the instance stops"))
	// Cancelled requests answer at once, but for a node of the graph that runs.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if s.http.Shutdown(grace) == nil {
		return nil
	}
	return errors.Join(err, s.http.Close())
}

// serveReady says at once whether requests would be answered without waiting for
// a start.
func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if err := s.Ready(); err != nil {
		problem.Write(w, err)
	}
}

// serveStart answers when there is something to say.
func (s *Server) serveStart(w http.ResponseWriter, r *http.Request) {
	ledger, err := s.start.wait(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		if s.start.failure() != nil {
			s.start.tell.Do(func() { close(s.start.told) })
		}
		return
	}
	f, _, _ := s.start.state()
	answer(w, functions.Started{Start: ledger, Providers: f.Providers, Passed: f.Passed})
}

// refuse answers with a problem. What is no functions.Error is a fault of ours,
// and is logged, unless the caller has gone.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if functions.KindOf(err) == functions.Internal && r.Context().Err() == nil {
		s.options.Log.Error("request failed", "path", r.URL.Path, "error", err)
	}
	problem.Write(w, err)
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the caller is gone if this fails
}
