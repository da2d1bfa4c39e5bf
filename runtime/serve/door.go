package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// What follows is for doors that speak another protocol than this room's: what
// comes in by them takes the same places, in the same order, as a picture that
// comes by POST /v1/detect, and is counted and traced like it.

// Mount answers what matches the patterns, as http.ServeMux reads them, with h. It
// comes before [Server.Serve], which then speaks HTTP/2 without TLS too.
func (s *Server) Mount(h http.Handler, patterns ...string) {
	for _, pattern := range patterns {
		s.handler.Handle(pattern, h)
	}
	s.http.Protocols = new(http.Protocols)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
}

// Ready is nil where requests would be answered without waiting for a start, else
// why not, of kind Unavailable.
func (s *Server) Ready() error {
	switch err := s.start.failure(); {
	case err != nil:
		return err
	case s.draining.Load():
		return functions.Errorf(functions.Unavailable, "the instance stops")
	case !s.start.isReady():
		return functions.Errorf(functions.Unavailable, "the instance is starting")
	}
	return nil
}

// Enter takes a place inside for a request of size bytes, before they are read, or
// refuses it at once: Busy, or, where header says until when its caller waits, TooShort.
// The context that it returns ends then. leave gives back what was taken.
func (s *Server) Enter(ctx context.Context, header http.Header, size int64) (_ context.Context, leave func(), err error) {
	if err := s.start.failure(); err != nil {
		return nil, nil, err
	}
	ctx, release, err := s.admit((&http.Request{Header: header}).WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	left, err := s.room.enter(size)
	if err != nil {
		release()
		return nil, nil, err
	}
	return ctx, func() {
		left()
		release()
	}, nil
}

// Detect is the walk of a request that has entered, from its picture's bytes on.
// header has the trace that it came in; nil for none.
func (s *Server) Detect(ctx context.Context, header http.Header, data []byte, ask functions.Parameters) (reply functions.Answer, err error) {
	err = functions.Errorf(functions.Internal, "").Because(errPanicked)
	ctx, clock, end := s.tracing(ctx, header)
	defer func() {
		end(reply.Cold, err)
		s.meters.answered(reply.Timing, err)
	}()
	if int64(len(data)) > s.options.Limits.MaxBytes {
		err = s.tooLarge()
		return reply, err
	}
	reply, err = s.look(ctx, data, ask, clock, !s.start.isReady())
	return reply, err
}

// Run waits for the function and a place among its runs, and calls use while it
// has it: for a request that has entered and brings its own tensors.
func (s *Server) Run(ctx context.Context, header http.Header, use func(context.Context) error) (err error) {
	err = functions.Errorf(functions.Internal, "").Because(errPanicked)
	ctx, clock, end := s.tracing(ctx, header)
	cold := !s.start.isReady()
	defer func() {
		end(cold, err)
		s.meters.ended(err)
	}()
	_, done, err := s.start.run(ctx)
	if err != nil {
		return fmt.Errorf("waiting for a run: %w", err)
	}
	defer done()
	waited := clock.lap("wait")
	err = functions.Errorf(functions.Internal, "").Because(errPanicked) // unless use returns
	err = use(ctx)
	if took := clock.lap("infer"); err == nil {
		s.meters.phases.WithLabelValues("wait").Observe(time.Duration(waited).Seconds())
		s.meters.phases.WithLabelValues("infer").Observe(time.Duration(took).Seconds())
	}
	return err
}

func (s *Server) tracing(ctx context.Context, header http.Header) (context.Context, *stopwatch, func(bool, error)) {
	r, clock, end := s.traced((&http.Request{Header: header}).WithContext(ctx))
	return r.Context(), clock, end
}
