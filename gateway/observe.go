package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
)

// replyKey is where detect leaves its reply for observe.
const replyKey = "reply"

// observe surrounds every request with its one log line and its metrics.
func (g *Gateway) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		took := time.Since(began)

		attrs := []slog.Attr{
			slog.String("id", c.Response().Header().Get(echo.HeaderXRequestID)),
			slog.String("method", c.Request().Method),
			slog.String("path", c.Path()),
			slog.Int("status", c.Response().Status),
			slog.Float64("ms", functions.Millis(took).Milliseconds()),
		}
		level := slog.LevelInfo
		switch reply, ok := c.Get(replyKey).(*functions.Reply); {
		case ok:
			g.metrics.replied(reply, took)
			attrs = append(attrs, slog.String("function", reply.Function), slog.String("revision", reply.Revision),
				slog.Bool("cold_start", reply.ColdStart), slog.Int("detections", len(reply.Detections)),
				phaseGroup(reply))
		case err != nil:
			if function, known := g.known(c.Param("name")); known {
				g.metrics.failed(function, functions.KindOf(err))
				attrs = append(attrs, slog.String("function", function))
			}
			attrs = append(attrs, slog.String("error", err.Error()))
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
