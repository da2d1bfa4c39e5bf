package gateway

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// asyncRequest is what a message says of being answered later.
type asyncRequest struct {
	// asked is Prefer: respond-async, where there are jobs.
	asked bool
	// callback is where the answer is to go, "" for nowhere of the caller's.
	callback string
	owner    string
}

// maxKey is the most bytes of an Idempotency-Key.
const maxKey = 255

// readAsync reads what a message says of being answered later, and takes the
// callback from its URL.
func (g *Gateway) readAsync(c echo.Context) (async asyncRequest, err error) {
	if g.Jobs == nil {
		return async, nil
	}
	r := c.Request()
	async.asked = prefersAsync(r.Header)
	async.owner = callerOf(c).ID()
	query := r.URL.Query()
	if !query.Has("callback") {
		return async, nil
	}
	if len(query["callback"]) > 1 || query.Get("callback") == "" {
		return async, functions.Errorf(functions.Invalid, "callback must be one URL")
	}
	if !async.asked {
		return async, functions.Errorf(functions.Invalid, "a callback is for a request that is answered later: send Prefer: respond-async")
	}
	async.callback = query.Get("callback")
	query.Del("callback")
	r = r.Clone(r.Context())
	r.URL.RawQuery = query.Encode()
	c.SetRequest(r)
	return async, nil
}

// prefersAsync reads Prefer (RFC 7240): respond-async among its preferences, in any
// case, with any parameters.
func prefersAsync(h http.Header) bool {
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			token, _, _ := strings.Cut(preference, ";")
			token, value, valued := strings.Cut(token, "=")
			if strings.EqualFold(strings.TrimSpace(token), "respond-async") && (!valued || strings.Trim(value, ` "`) == "") {
				return true
			}
		}
	}
	return false
}

// jobReceipt is what a caller is told of a job.
type jobReceipt struct {
	ID        string     `json:"id"`
	State     jobs.State `json:"state"`
	StatusURL string     `json:"status_url"`
}

func receiptOf(r jobs.Receipt) jobReceipt {
	return jobReceipt{ID: r.ID, State: r.State, StatusURL: "/v1/jobs/" + r.ID}
}

// acceptRequest takes a detection that is asked for over HTTP, to do it later. What
// is wrong with it was said before; the picture's bytes come now.
func (g *Gateway) acceptRequest(c echo.Context, req request, async asyncRequest) error {
	id, err := idempotencyKey(c.Request().Header)
	if err != nil {
		return err
	}
	source := "/callers"
	if async.owner != "" {
		source += "/" + url.PathEscape(async.owner)
	}
	event := events.Event{ID: id, Source: source, Type: events.TypeDetect, Time: time.Now()}
	receipt, err := g.accept(c.Request().Context(), event, req, async, "")
	if err != nil {
		return err
	}
	told := receiptOf(receipt)
	acceptedHeader(c.Response().Header(), told, async)
	return c.JSON(http.StatusAccepted, told)
}

func acceptedHeader(h http.Header, told jobReceipt, async asyncRequest) {
	h.Set(echo.HeaderLocation, told.StatusURL)
	h.Set("X-Content-Type-Options", "nosniff")
	if async.asked {
		h.Set("Preference-Applied", "respond-async")
	}
}

// idempotencyKey is what the caller calls its request, so that sending it again does
// not do it again (draft-ietf-httpapi-idempotency-key-header: a quoted string; most
// leave the quotes out); else a new name.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values("Idempotency-Key")
	if len(values) == 0 {
		return rand.Text(), nil
	}
	key := strings.TrimSpace(values[0])
	if len(key) >= 2 && key[0] == '"' && key[len(key)-1] == '"' {
		key = key[1 : len(key)-1]
	}
	printable := strings.IndexFunc(key, func(r rune) bool { return r < 0x20 || r > 0x7e }) < 0
	if len(values) > 1 || key == "" || len(key) > maxKey || !printable {
		return "", functions.Errorf(functions.Invalid, "Idempotency-Key must be one text of 1 to %d printable characters", maxKey)
	}
	return key, nil
}

// accept makes a job of a request that was understood, and stores it.
func (g *Gateway) accept(ctx context.Context, event events.Event, req request, async asyncRequest, sink string) (jobs.Receipt, error) {
	size := max(req.size, 1)
	if req.size < 0 && req.url == "" { // an upload may become as much as is allowed
		size = g.opts.MaxBytes
	}
	release, err := g.Jobs.Reserve(size)
	if err != nil {
		return jobs.Receipt{}, err
	}
	defer release()
	job, err := g.jobOf(ctx, event, req, async, sink)
	if err != nil {
		return jobs.Receipt{}, err
	}
	return g.Jobs.Accept(ctx, job)
}

// jobOf is the job of a request: the picture where the request has it, else the URL
// it is to be fetched from.
func (g *Gateway) jobOf(ctx context.Context, event events.Event, req request, async asyncRequest, sink string) (jobs.Job, error) {
	if _, traced := event.Extensions["traceparent"]; !traced {
		event = inTrace(ctx, event)
	}
	event.Base64, event.DataSchema = "", "" // the data is written anew
	if req.url != "" {
		data, err := json.Marshal(map[string]any{"image": map[string]string{"url": req.url}})
		if err != nil {
			return jobs.Job{}, fmt.Errorf("writing the request: %w", err)
		}
		event.DataContentType, event.Data = "application/json", data
	} else {
		picture, err := req.picture(ctx, nil)
		if err != nil {
			return jobs.Job{}, err
		}
		if err := checkFormat(picture); err != nil {
			return jobs.Job{}, err
		}
		event.DataContentType, event.Data = "image/"+functions.FormatOf(picture), picture
	}
	job := jobs.Job{
		Event: event, Function: req.function, Owner: async.owner, Parameters: *req.params, Callback: async.callback,
	}
	if sink != "" {
		job.Sinks = []string{sink}
	}
	return job, nil
}

// Work does a job: the walk of its request, and the event that answers it. It
// satisfies jobs.Work.
func (g *Gateway) Work(ctx context.Context, job jobs.Job) (events.Event, error) {
	params := job.Parameters
	req := request{began: time.Now(), function: job.Function, payer: job.Owner, params: &params}
	if err := g.takeBytes(job.Event, &req); err != nil {
		return events.Event{}, err
	}
	ctx, event, end := g.tracedEvent(ctx, job.Event)
	reply, err := g.infer(ctx, req)
	end(reply, err)
	if err != nil {
		g.eventFailed(req.function, err)
		return events.Event{}, err
	}
	g.metrics.replied(ctx, &reply, time.Since(req.began))
	return events.Detected(event, g.eventSource(req.function), reply)
}
