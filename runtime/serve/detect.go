package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

func (s *Server) serveDetect(w http.ResponseWriter, r *http.Request) {
	var reply functions.Answer
	var err error = functions.Errorf(functions.Internal, "").Because(errPanicked)
	r, clock, end := s.traced(r)
	defer func() {
		end(reply.Cold, err)
		s.meters.answered(reply.Timing, err)
	}()
	reply, err = s.detect(w, r, clock)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer(w, reply)
}

// errPanicked is what a request failed of that has said nothing itself.
var errPanicked = errors.New("the request panicked")

// detect is the walk of a request: fetch -> decode -> wait for the function and a
// run -> detect -> draw.
//
// No more pictures are in memory decoded than there are places for decoding and
// runs: a picture keeps the first until it has the second, and the second until it
// is drawn.
func (s *Server) detect(w http.ResponseWriter, r *http.Request, clock *stopwatch) (functions.Answer, error) {
	var none functions.Answer
	if err := s.start.failure(); err != nil {
		return none, err
	}
	cold := !s.start.isReady()
	ask, err := parameters(r.URL.RawQuery)
	if err != nil {
		return none, err
	}
	ctx, release, err := s.admit(r)
	if err != nil {
		return none, err
	}
	defer release()
	leave, err := s.enter(r)
	if err != nil {
		return none, err
	}
	defer leave()
	clock.lap("")

	// fetch
	body, err := s.fetch(w, r)
	fetched := clock.lap("fetch")
	if err != nil {
		return none, err
	}

	// The picture is released by then, and nobody else has seen its bytes.
	defer func() { s.bodies.Put(&body) }()

	answer, err := s.look(ctx, body, ask, clock, cold)
	answer.Timing.Fetch = fetched
	return answer, err
}

// look is the walk from the picture's bytes on.
func (s *Server) look(
	ctx context.Context, body []byte, ask functions.Parameters, clock *stopwatch, cold bool,
) (functions.Answer, error) {
	var none functions.Answer
	var timing functions.Timing

	// decode
	decoded, err := s.decodes.take(ctx, s.start.failed, s.start.failure)
	if err != nil {
		return none, fmt.Errorf("waiting to decode: %w", err)
	}
	defer decoded()
	timing.Wait = clock.lap("wait")
	picture, err := vision.Decode(body, s.options.Limits)
	timing.Decode = clock.lap("decode")
	if err != nil {
		return none, fmt.Errorf("decoding picture: %w", err)
	}
	defer picture.Release() // when it has been drawn: its memory serves the next one
	body = nil              // not needed while the picture waits

	// wait
	s.start.enter()
	defer s.start.leave()
	function, done, err := s.start.run(ctx)
	if err != nil {
		return none, fmt.Errorf("waiting for a run: %w", err)
	}
	defer done()
	decoded()
	timing.Wait += clock.lap("wait")

	// detect
	began := time.Now()
	detections, spent, err := function.Detector.Detect(ctx, picture, ask)
	if err == nil {
		s.pace.saw(time.Since(began))
	}
	warmUp := s.start.ran(ctx, err)
	clock.ran(spent, warmUp)
	if cold && s.start.isReady() {
		clock.started(s.start.began, s.start.spent())
	}
	if err != nil {
		return none, s.runError(ctx, err)
	}
	timing.Preprocess, timing.Infer, timing.Postprocess = spent.Preprocess, spent.Infer, spent.Postprocess
	reply := functions.Answer{
		Picture: picture.Picture, Detections: detections, ModelSum: function.ModelSum, Cold: cold, Light: new(picture.Light()),
	}

	// draw
	if ask.Draw != "" {
		drawn, err := vision.Draw(picture, detections, ask.Draw)
		if err != nil {
			return none, fmt.Errorf("drawing picture: %w", err)
		}
		reply.Annotated = &functions.Annotated{ContentType: "image/" + ask.Draw, Data: drawn}
		timing.Draw = clock.lap("draw")
	}
	reply.Timing = timing
	if cold {
		reply.Start = s.start.spent()
	}
	if reply.Detections == nil {
		reply.Detections = []functions.Detection{}
	}
	return reply, nil
}

// runError is what the caller is told of a run that failed: where it was the
// first, and the start failed with it, what everyone is told.
func (s *Server) runError(ctx context.Context, err error) error {
	if failed := s.start.failure(); failed != nil && ctx.Err() == nil {
		return failed
	}
	return err
}

// enter refuses what is too much or not a picture before anything is read.
func (s *Server) enter(r *http.Request) (leave func(), err error) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if strings.HasPrefix(media, "multipart/") || media == "application/json" {
		return nil, functions.Errorf(functions.Unsupported, "an instance takes the picture's bytes alone; forms and JSON are for the gateway")
	}
	size := r.ContentLength
	if size > s.options.Limits.MaxBytes {
		return nil, s.tooLarge()
	}
	if size < 0 {
		size = s.options.Limits.MaxBytes
	}
	return s.room.enter(size)
}

func (s *Server) tooLarge() error {
	return functions.Errorf(functions.TooLarge, "the picture has more than %g MB", float64(s.options.Limits.MaxBytes)/1e6)
}

// fetch reads the body. A client that sends slowly keeps nothing but its own place.
func (s *Server) fetch(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	deadline := http.NewResponseController(w)
	// Not every ResponseWriter has a connection: those of tests have none.
	_ = deadline.SetReadDeadline(time.Now().Add(s.options.Upload))
	defer func() { _ = deadline.SetReadDeadline(time.Time{}) }()

	most := s.options.Limits.MaxBytes
	var body []byte
	var err error
	if size := r.ContentLength; size >= 0 {
		body = s.body(size)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(r.Body, most+1))
	}
	switch {
	case isTimeout(err):
		return nil, functions.Errorf(functions.SourceTimeout, "the picture did not arrive in time").Because(err)
	case err != nil && r.Context().Err() != nil:
		return nil, fmt.Errorf("reading picture: %w", context.Cause(r.Context()))
	case err != nil:
		return nil, functions.Errorf(functions.Invalid, "the request ended before its picture").Because(err)
	case int64(len(body)) > most:
		return nil, s.tooLarge()
	}
	return body, nil
}

// body is memory for a picture's bytes, that of one before it where that is enough.
func (s *Server) body(size int64) []byte {
	if spare, is := s.bodies.Get().(*[]byte); is && int64(cap(*spare)) >= size {
		return (*spare)[:size]
	}
	return make([]byte, size)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && e.Timeout()
}
