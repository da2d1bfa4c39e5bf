package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// jobDoors are the doors to jobs that were accepted.
func (g *Gateway) jobDoors(e *echo.Echo, detect echo.MiddlewareFunc) {
	if g.Jobs == nil {
		return
	}
	e.GET("/v1/jobs", g.listJobs, detect)
	e.GET("/v1/jobs/:id", g.showJob, detect)
	e.DELETE("/v1/jobs/:id", g.cancelJob, detect)
	e.POST("/v1/jobs/:id/redrive", g.redriveJob, detect)
	e.GET("/v1/jobs/:id/events", g.followJob, detect)
}

// jobList is a page of jobs.
type jobList struct {
	Jobs []jobs.Status `json:"jobs"`
	// Next is the cursor of the next page, "" at the end.
	Next string `json:"next,omitempty"`
}

// listJobs is GET /v1/jobs?function=&state=&limit=&cursor=.
func (g *Gateway) listJobs(c echo.Context) error {
	caller := callerOf(c)
	owner, admin := caller.ID(), isAdmin(caller)
	query := c.QueryParams()
	for name := range query {
		if !slices.Contains([]string{"function", "state", "limit", "cursor"}, name) {
			return functions.Errorf(functions.Invalid, "there is no parameter %.64q; there are function, state, limit and cursor", name)
		}
	}
	filter := jobs.Filter{
		Function: query.Get("function"), State: jobs.State(query.Get("state")), Cursor: query.Get("cursor"),
		Owner: owner, Owned: !admin,
	}
	if filter.State != "" && !slices.Contains(jobs.States, filter.State) {
		return functions.Errorf(functions.Invalid, "there is no state %.64q; there are %v", filter.State, jobs.States)
	}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			return functions.Errorf(functions.Invalid, "limit must be a number from 1")
		}
		filter.Limit = limit
	}
	page, next, err := g.Jobs.List(c.Request().Context(), filter)
	if err != nil {
		return err
	}
	for i := range page {
		page[i] = shownTo(admin, page[i])
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, jobList{page, next})
}

// ownJob is a job that the caller may see: its own, or any where it is an admin. The
// others' are not there.
func (g *Gateway) ownJob(c echo.Context) (status jobs.Status, admin bool, err error) {
	caller := callerOf(c)
	owner, admin := caller.ID(), isAdmin(caller)
	status, err = g.Jobs.Get(c.Request().Context(), c.Param("id"))
	if err == nil && !admin && status.Owner != owner {
		err = functions.Errorf(functions.JobNotFound, "there is no such job, or none any more")
	}
	return status, admin, err
}

// shownTo leaves out what is the operator's: where its sinks are.
func shownTo(admin bool, status jobs.Status) jobs.Status {
	status.Deliveries = slices.Clone(status.Deliveries)
	for i, d := range status.Deliveries {
		if u, err := url.Parse(d.Sink); err == nil {
			status.Deliveries[i].Sink = u.Redacted()
		}
		if !admin && !d.Callback {
			status.Deliveries[i].Sink = ""
		}
	}
	return status
}

// showJob is GET /v1/jobs/{id}.
func (g *Gateway) showJob(c echo.Context) error {
	status, admin, err := g.ownJob(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, shownTo(admin, status))
}

// cancelJob is DELETE /v1/jobs/{id}.
func (g *Gateway) cancelJob(c echo.Context) error {
	if _, _, err := g.ownJob(c); err != nil {
		return err
	}
	if err := g.Jobs.Cancel(c.Request().Context(), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// redriveJob is POST /v1/jobs/{id}/redrive.
func (g *Gateway) redriveJob(c echo.Context) error {
	if err := callerOf(c).Has(access.ScopeAdmin); err != nil {
		return err
	}
	status, _, err := g.ownJob(c)
	// A dead letter is kept for longer than the job's status.
	if err != nil && functions.KindOf(err) != functions.JobNotFound {
		return err
	}
	if err := g.Jobs.Redrive(c.Request().Context(), c.Param("id")); err != nil {
		return err
	}
	if status, _, err = g.ownJob(c); err != nil {
		return err
	}
	told := receiptOf(jobs.Receipt{ID: status.ID, State: status.State})
	c.Response().Header().Set(echo.HeaderLocation, told.StatusURL)
	return c.JSON(http.StatusAccepted, told)
}

// heartbeat is how often a stream says that it is alive, where nothing changes.
const heartbeat = 5 * time.Second

// followJob is GET /v1/jobs/{id}/events: the job's changes as server-sent events (WHATWG
// HTML, 9.2), until its last state. The id of each is the job's version: whoever comes
// back with Last-Event-ID is told what it has not seen, and 204, which means not to
// come again, where there is nothing more to tell.
func (g *Gateway) followJob(c echo.Context) error {
	_, admin, err := g.ownJob(c)
	if err != nil {
		return err
	}
	r := c.Request()
	seen, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	began := err == nil // without one, or with one that is not ours, all is told
	watcher, err := g.Jobs.Watch(r.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	defer watcher.Close()
	status, err := watcher.Next(r.Context())
	if err != nil {
		return err
	}
	if began && status.State.Final() && status.Version <= seen {
		return c.NoContent(http.StatusNoContent)
	}
	w := c.Response()
	w.Header().Set(echo.HeaderContentType, "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	for {
		if !began || status.Version > seen {
			if err := writeEvent(w, shownTo(admin, status)); err != nil {
				return nil // the caller is gone
			}
			began, seen = true, status.Version
		}
		if status, err = g.nextState(r.Context(), w, watcher); err != nil {
			return nil // the last state was told, the caller is gone, or the gateway is going
		}
	}
}

// nextState waits for a change, with a heartbeat now and then. It gives up where the
// gateway drains: the caller comes back with the id of what it saw.
func (g *Gateway) nextState(ctx context.Context, w *echo.Response, watcher *jobs.Watcher) (jobs.Status, error) {
	for {
		w.Flush()
		beat, cancel := context.WithTimeout(ctx, heartbeat)
		status, err := watcher.Next(beat)
		cancel()
		if err == nil || ctx.Err() != nil || errors.Is(err, io.EOF) || !errors.Is(err, context.DeadlineExceeded) {
			return status, err
		}
		if !g.opts.Ready() {
			return status, err
		}
		if _, err := io.WriteString(w, ":\n\n"); err != nil {
			return status, err
		}
	}
}

func writeEvent(w io.Writer, status jobs.Status) error {
	data, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("writing the job's state: %w", err)
	}
	_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", status.Version, status.State, data)
	return err
}
