package gateway

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

// room enters a room of the walk, in a span of its name. Outside a trace that is
// recorded it only enters.
func room[T any](
	ctx context.Context, tracer trace.Tracer, name string, enter func(context.Context) (T, error),
	options ...trace.SpanStartOption,
) (T, error) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return enter(ctx)
	}
	ctx, span := tracer.Start(ctx, name, options...)
	defer span.End()
	left, err := enter(ctx)
	blame(span, err)
	return left, err
}

// blame tells a span what went wrong in it.
func blame(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("error.type", string(functions.KindOf(err))))
	span.SetStatus(codes.Error, err.Error())
}

// callersTrace is the context of a request with the trace it came in (W3C Trace
// Context, https://www.w3.org/TR/trace-context). What cannot be read is ignored;
// baggage is not read at all: strangers' luggage is not for functions.
func callersTrace(r *http.Request) context.Context {
	parent := r.Header["Traceparent"]
	if len(parent) != 1 {
		return r.Context()
	}
	return traceOf(r.Context(), parent[0], strings.Join(r.Header["Tracestate"], ","))
}

// traceOf is ctx in a trace, or ctx where the trace cannot be read.
func traceOf(ctx context.Context, parent, state string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent, "tracestate": state})
}

// traced surrounds a request for a detection with its span, and tells the caller
// which one it was, so that whoever began no trace can ask for this one.
func (g *Gateway) traced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if g.opts.Tracer == nil {
			return next(c)
		}
		r := c.Request()
		ctx, span := g.opts.Tracer.Start(r.Context(), "request", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		c.SetRequest(r.WithContext(ctx))
		respondWithTrace(ctx, c.Response().Header())
		err := next(c)
		if span.IsRecording() {
			span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", c.Path()))
			reply, _ := c.Get(replyKey).(*functions.Reply)
			conclude(span, reply, err, problem.Of(err).Status)
		}
		return err
	}
}

// respondWithTrace sets the header that the draft of W3C Trace Context names for
// answers.
func respondWithTrace(ctx context.Context, h http.Header) {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	if parent := carrier["traceparent"]; parent != "" {
		h.Set("Traceresponse", parent)
	}
}

// tracedEvent begins the span of an event, and gives back the event as one of its
// span, so that what answers it carries that trace on. It belongs to the trace of
// the hop that brought the event, its HTTP header's, else to the trace in which the
// event was made, its extension's; where both are there, the latter is linked
// (CloudEvents, extensions/distributed-tracing.md). end is to be called with what
// came of it.
func (g *Gateway) tracedEvent(ctx context.Context, event events.Event) (
	_ context.Context, _ events.Event, end func(functions.Reply, error),
) {
	hop := trace.SpanContextFromContext(ctx)
	parent, _ := event.Extensions["traceparent"].(string)
	state, _ := event.Extensions["tracestate"].(string)
	made := trace.SpanContextFromContext(traceOf(context.Background(), parent, state))
	if !hop.IsValid() && made.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, made)
	}
	if g.opts.Tracer == nil {
		if hop.IsValid() && !made.IsValid() {
			event = inTrace(ctx, event)
		}
		return ctx, event, func(functions.Reply, error) {}
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	if hop.IsValid() && made.IsValid() && made.SpanID() != hop.SpanID() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: made}))
	}
	ctx, span := g.opts.Tracer.Start(ctx, "event", options...)
	return ctx, inTrace(ctx, event), func(reply functions.Reply, err error) {
		if span.IsRecording() {
			span.SetAttributes(attribute.String("cloudevents.event_id", event.ID),
				attribute.String("cloudevents.event_source", event.Source), attribute.String("cloudevents.event_type", event.Type))
			told, _ := problem.ForEvents(err)
			conclude(span, &reply, err, told.Status)
		}
		span.End()
	}
}

// inTrace is event with the trace of ctx.
func inTrace(ctx context.Context, event events.Event) events.Event {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	extensions := maps.Clone(event.Extensions)
	if extensions == nil {
		extensions = map[string]any{}
	}
	delete(extensions, "tracestate")
	for name, value := range carrier {
		if len(value) <= events.MaxAttributeBytes {
			extensions[name] = value
		}
	}
	event.Extensions = extensions
	return event
}

// conclude says of a request's span what became of it. Only a fault of ours makes
// it a failed one, as OpenTelemetry has it for servers.
func conclude(span trace.Span, reply *functions.Reply, err error, status int) {
	if err == nil && reply != nil {
		span.SetAttributes(attribute.String("saccade.function", reply.Function),
			attribute.String("saccade.revision", reply.Revision), attribute.Bool("saccade.cold_start", reply.ColdStart))
	}
	if err == nil {
		status = http.StatusOK
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	switch {
	case err != nil && status >= http.StatusInternalServerError:
		blame(span, err)
	case err != nil:
		span.SetAttributes(attribute.String("error.type", string(functions.KindOf(err))))
	}
}
