package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// driftDoors tell how far functions are from what they were.
func (g *Gateway) driftDoors(e *echo.Echo, read echo.MiddlewareFunc) {
	e.GET("/v1/functions/:name/drift", g.showDrift, read)
	e.GET("/v1/functions/:name/drift/reference", g.showReference, read)
	e.GET("/v1/functions/:name/drift/events", g.followDrift, read)
}

// watched is the function that is asked about, with its settings.
func (g *Gateway) watched(c echo.Context) (string, functions.Drift, error) {
	name := c.Param("name")
	if err := callerOf(c).MayUse(name); err != nil {
		return name, functions.Drift{}, err
	}
	revision, err := g.Routes.Route(name)
	if err == nil && g.Drift == nil {
		err = functions.Errorf(functions.Unavailable, "this gateway keeps no statistics")
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return name, revision.Function.Spec.Drift, err
}

// showDrift is GET /v1/functions/{name}/drift.
func (g *Gateway) showDrift(c echo.Context) error {
	name, settings, err := g.watched(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, g.Drift.Report(name, settings))
}

// showReference is GET /v1/functions/{name}/drift/reference: a file for
// spec.drift.referenceFile.
func (g *Gateway) showReference(c echo.Context) error {
	name, _, err := g.watched(c)
	if err != nil {
		return err
	}
	reference, ok := g.Drift.Reference(name)
	if !ok {
		return functions.Errorf(functions.Unavailable, "the function has not seen enough pictures for a reference yet")
	}
	return c.JSON(http.StatusOK, reference)
}

// followDrift is GET /v1/functions/{name}/drift/events: server-sent events, each a
// CloudEvent in JSON.
func (g *Gateway) followDrift(c echo.Context) error {
	name, _, err := g.watched(c)
	if err != nil {
		return err
	}
	changes, stop, err := g.Drift.Listen(name)
	if err != nil {
		return err
	}
	defer stop()
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		w.Flush()
		select {
		case <-c.Request().Context().Done():
			return nil
		case <-beat.C:
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil {
				return nil // the caller is gone
			}
		case change, ok := <-changes:
			if !ok {
				return nil // the gateway drains, or the caller reads too slowly: it comes back
			}
			if err := writeChange(w, g.opts.Events.Source, change); err != nil {
				return nil
			}
		}
	}
}

func writeChange(w io.Writer, source string, change functions.DriftChange) error {
	event, err := events.Drifted(source, change)
	if err != nil {
		return err
	}
	data, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("writing the event: %w", err)
	}
	_, err = fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", event.ID, event.Type, data)
	return err
}
