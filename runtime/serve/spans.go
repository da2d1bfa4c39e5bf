package serve

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
)

// stopwatch measures rooms that follow one another, and tells each as a span where
// the trace is recorded.
type stopwatch struct {
	last   time.Time
	tracer trace.Tracer
	ctx    context.Context // of the request's span; nil where nothing is recorded
}

// lap is the time since the last lap, which was spent in the room of that name.
func (s *stopwatch) lap(room string) functions.Millis {
	began := s.last
	s.last = time.Now()
	if room != "" {
		s.span(room, began, s.last)
	}
	return functions.Millis(s.last.Sub(began))
}

// span tells a room that is over.
func (s *stopwatch) span(room string, began, ended time.Time) {
	if s.ctx == nil {
		return
	}
	_, span := s.tracer.Start(s.ctx, room, trace.WithTimestamp(began))
	span.End(trace.WithTimestamp(ended))
}

// ran tells the rooms of a run that has just ended, which follow one another from
// the last lap on. warmUp says that this run made the function ready.
func (s *stopwatch) ran(spent functions.Timing, warmUp bool) {
	at := s.last
	s.last = time.Now()
	if warmUp {
		s.span("warmup", at, s.last)
	}
	for _, room := range []struct {
		name string
		took functions.Millis
	}{{"preprocess", spent.Preprocess}, {"infer", spent.Infer}, {"postprocess", spent.Postprocess}} {
		if room.took == 0 { // the run failed before it
			continue
		}
		ended := at.Add(time.Duration(room.took))
		s.span(room.name, at, ended)
		at = ended
	}
}

// started tells the phases of the start that the request has waited for. They began
// before it; pull was over before this process began.
func (s *stopwatch) started(began time.Time, ledger functions.Start) {
	loaded := began.Add(time.Duration(ledger.Load))
	s.span("start", began.Add(-time.Duration(ledger.Start)), began)
	s.span("load", began, loaded)
	if ledger.Warmup > 0 {
		s.span("warmup", loaded, loaded.Add(time.Duration(ledger.Warmup)))
	}
}

// traced is a request with its span, in the trace that it came in. end is to be
// called with what came of it.
func (s *Server) traced(r *http.Request) (_ *http.Request, clock *stopwatch, end func(cold bool, err error)) {
	clock = &stopwatch{last: time.Now(), tracer: s.options.Tracer}
	if s.options.Tracer == nil {
		return r, clock, func(bool, error) {}
	}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.options.Tracer.Start(ctx, "detect", trace.WithSpanKind(trace.SpanKindServer))
	if span.IsRecording() {
		clock.ctx = ctx
	}
	return r.WithContext(ctx), clock, func(cold bool, err error) {
		defer span.End()
		if !span.IsRecording() {
			return
		}
		if f, _, loaded := s.start.state(); loaded {
			span.SetAttributes(attribute.String("saccade.function", f.Name))
		}
		span.SetAttributes(attribute.Bool("saccade.cold_start", cold))
		if err != nil {
			span.SetAttributes(attribute.String("error.type", string(functions.KindOf(err))))
			span.SetStatus(codes.Error, err.Error())
		}
	}
}
