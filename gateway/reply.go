package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/recall"
)

// answer writes a reply in the form that was asked for.
func answer(c echo.Context, req request, reply functions.Reply) error {
	h := c.Response().Header()
	h.Set("Server-Timing", serverTiming(reply))
	h.Set("Vary", "Accept")
	if status := recall.CacheStatus(reply.Recall); status != "" {
		h.Set("Cache-Status", status)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	if req.annotated != "" && reply.Annotated != nil {
		return c.Blob(http.StatusOK, reply.Annotated.ContentType, reply.Annotated.Data)
	}
	return c.JSON(http.StatusOK, reply)
}

// serverTiming is the reply's phases as a Server-Timing header (W3C Server
// Timing), in the walk's order.
func serverTiming(reply functions.Reply) string {
	var b strings.Builder
	for name, took := range reply.Timing.Phases() {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s;dur=%.3f", name, took.Milliseconds())
	}
	return b.String()
}
