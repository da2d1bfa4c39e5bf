package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/access"
)

// What a request leaves for observe.
const (
	// replyKey is where detect leaves its reply.
	replyKey = "reply"
	// bodyKey is where pace leaves the body.
	bodyKey = "body"
	// callerKey is where may leaves who was let in, an access.Caller.
	callerKey = "caller"
)

// observe surrounds every request with the trace it came in, its one log line and
// its metrics.
func (g *Gateway) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if ctx := callersTrace(c.Request()); ctx != c.Request().Context() {
			c.SetRequest(c.Request().WithContext(ctx))
		}
		g.metrics.inFlight.Inc()
		defer g.metrics.inFlight.Dec()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		took := time.Since(began)
		g.metrics.answered(c.Path(), c.Response().Status)

		attrs := line(c, took)
		level := slog.LevelInfo
		switch reply, ok := c.Get(replyKey).(*functions.Reply); {
		case ok:
			g.metrics.replied(c.Request().Context(), reply, took)
			attrs = append(attrs, slog.String("function", reply.Function), slog.String("revision", reply.Revision),
				slog.Bool("cold_start", reply.ColdStart), slog.Int("detections", len(reply.Detections)),
				phaseGroup(reply))
		case err != nil:
			if function, known := g.known(c.Param("name")); known {
				g.metrics.failed(function, err)
				attrs = append(attrs, slog.String("function", function))
			}
			attrs = append(attrs, slog.String("error", err.Error()))
			if _, none := errors.AsType[*echo.HTTPError](err); none { // no such path: the API has not been asked
				break
			}
			g.metrics.problems.WithLabelValues(outcomeOf(err)).Inc()
			if functions.KindOf(err) == functions.Internal && !errors.Is(err, context.Canceled) {
				level = slog.LevelError
			}
		case c.Path() == "/healthz", c.Path() == "/readyz", c.Path() == "/metrics":
			level = slog.LevelDebug
		}
		g.opts.Log.LogAttrs(context.WithoutCancel(c.Request().Context()), level, "request", attrs...)
		return nil
	}
}

// line is what the log says of every request: its ids, who asked what, and how
// much went in and out.
func line(c echo.Context, took time.Duration) []slog.Attr {
	r, w := c.Request(), c.Response()
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs, slog.String("id", w.Header().Get(echo.HeaderXRequestID)))
	if at := trace.SpanContextFromContext(r.Context()); at.IsValid() {
		attrs = append(attrs, slog.String("trace_id", at.TraceID().String()))
	}
	if caller, ok := c.Get(callerKey).(access.Caller); ok {
		attrs = append(attrs, slog.String("caller", caller.ID()))
	}
	var in int64
	if body, ok := c.Get(bodyKey).(*pacedBody); ok {
		in = body.read
	}
	return append(attrs,
		slog.String("method", r.Method),
		slog.String("path", c.Path()),
		slog.Int("status", w.Status),
		slog.Float64("ms", functions.Millis(took).Milliseconds()),
		slog.Int64("bytes_in", in),
		slog.Int64("bytes_out", w.Size),
	)
}

// known keeps names of functions that do not exist out of the metrics.
func (g *Gateway) known(name string) (string, bool) {
	_, err := g.Routes.Route(name)
	return name, err == nil
}

func phaseGroup(reply *functions.Reply) slog.Attr {
	var phases []any
	for name, took := range reply.Timing.Phases() {
		phases = append(phases, slog.Float64(name, took.Milliseconds()))
	}
	return slog.Group("phases_ms", phases...)
}
