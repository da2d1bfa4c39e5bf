package gateway

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/fetch"
)

// EventOptions are those of the door for CloudEvents; zero means the default.
type EventOptions struct {
	// Source begins the source of every answer, a URI reference; the function's
	// path follows it. Default /saccade, so /saccade/functions/yolo11n.
	Source string
	// Routes lead events to functions that they do not name themselves.
	Routes events.Routes
	// BatchEvents is the most events of one batch. Default 100.
	BatchEvents int
	// BatchBytes is the most bytes of one batch. Default 32 MB.
	BatchBytes int64
	// BatchParallel is how many events of one batch are worked on at a time.
	// Default 8.
	BatchParallel int
}

func (o EventOptions) withDefaults() EventOptions {
	o.Source = cmp.Or(o.Source, "/saccade")
	o.BatchEvents = cmp.Or(o.BatchEvents, 100)
	o.BatchBytes = cmp.Or(o.BatchBytes, 32_000_000)
	o.BatchParallel = cmp.Or(o.BatchParallel, 8)
	return o
}

// eventProblems answers what is wrong with events, or with who sends them, as senders
// of events understand it.
func eventProblems(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err != nil && !c.Response().Committed {
			problem.WriteForEvents(c.Response(), err)
		}
		return err
	}
}

// event is POST / and POST /v1/events: CloudEvents in any of the modes of HTTP.
// What is wrong is answered with a status by which a sender of events knows
// whether to send again; see docs/events.md.
func (g *Gateway) event(c echo.Context) error {
	r := c.Request()
	if err := plainBody(r); err != nil {
		return err
	}
	async, err := g.readAsync(c)
	if err != nil {
		return err
	}
	params, err := readQuery(c.Request().URL.Query())
	if err != nil {
		return err
	}
	mode, err := events.ModeOf(r.Header.Get(echo.HeaderContentType))
	if err != nil {
		return err
	}
	if mode == events.Batched {
		return g.batch(c, params, async)
	}
	return g.single(c, mode, params, async)
}

// single answers one event with one, in the mode it came in, or with a problem.
func (g *Gateway) single(c echo.Context, mode events.Mode, params functions.Parameters, async asyncRequest) error {
	r := c.Request()
	if err := g.spend(c, 1); err != nil {
		return err
	}
	req := request{began: time.Now(), caller: callerOf(c), payer: callerOf(c).ID(), params: &params}
	var err error
	if req.deadline, err = readDeadline(r.Header, req.began); err != nil {
		return err
	}
	event, err := g.readEvent(r, mode, &req)
	if err != nil {
		g.eventFailed(req.function, err)
		return err
	}
	if sink, later := g.deliveredLater(event, async); later {
		return g.acceptEvent(c, event, req, async, sink)
	}
	ctx, event, end := g.tracedEvent(r.Context(), event)
	c.SetRequest(r.WithContext(ctx)) // for the log
	reply, err := g.infer(ctx, req)
	end(reply, err)
	if err != nil {
		g.eventFailed(req.function, err)
		return err
	}
	c.Set(replyKey, &reply)
	answer, err := events.Detected(event, g.eventSource(req.function), reply)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Server-Timing", serverTiming(reply))
	h.Set("X-Content-Type-Options", "nosniff")
	if mode == events.Binary {
		answer.SetHeader(h)
		return c.Blob(http.StatusOK, answer.DataContentType, answer.Data)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return c.Blob(http.StatusOK, events.ContentTypeStructured, text)
}

// readEvent makes a request of a single event. Of a picture that is the body
// itself the first bytes are read; the rest comes while the function wakes.
func (g *Gateway) readEvent(r *http.Request, mode events.Mode, req *request) (events.Event, error) {
	if mode == events.Structured {
		text, err := g.readText(r, g.maxText())
		if err != nil {
			return events.Event{}, err
		}
		return g.parseEvent(text, req)
	}
	event, err := events.FromHeader(r.Header)
	if err != nil {
		return event, err
	}
	if err := g.addressEvent(event, req); err != nil {
		return event, err
	}
	switch media := events.MediaType(event.DataContentType); {
	case events.IsJSON(media):
		err = g.readJSON(r, req)
	case isPicture(media):
		err = g.readRaw(r, req)
	default:
		err = dataFault()
	}
	return event, err
}

// parseEvent makes a request of an event in JSON. The event has what could be read
// of it where there is an error.
func (g *Gateway) parseEvent(text []byte, req *request) (events.Event, error) {
	event, err := events.Parse(text)
	if err != nil {
		return event, err
	}
	if err := g.addressEvent(event, req); err != nil {
		return event, err
	}
	return event, g.takeData(event, req)
}

// addressEvent finds the function an event is for: by its extension function; else
// by its subject, where that is a function's name; else by the routes.
func (g *Gateway) addressEvent(event events.Event, req *request) error {
	routed, asks := g.opts.Events.Routes.Route(event)
	named, isNamed := event.Extensions["function"]
	function := routed
	bySubject := false
	if event.Subject != "" {
		_, bySubject = g.known(event.Subject)
	}
	switch {
	case !asks:
		return functions.Errorf(functions.Invalid, "events of the type %.64q are not taken; requests are %s",
			event.Type, events.TypeDetect)
	case isNamed:
		function = fmt.Sprint(named)
	case bySubject:
		function = event.Subject
	case routed == "" && event.Subject == "":
		return functions.Errorf(functions.Invalid, "the event names no function, neither as the extension function "+
			"nor as its subject, and no route leads it to one")
	case routed == "":
		function = event.Subject
	}
	if err := req.caller.MayUse(function); err != nil {
		return err
	}
	if _, err := g.Routes.Route(function); err != nil {
		if !g.opts.Ready() { // it may be known when the gateway is
			return functions.Errorf(functions.Unavailable, "the gateway is not ready").Because(err)
		}
		return err
	}
	req.function = function
	return nil
}

// takeData takes the picture, or the JSON body that names it, from an event's data.
func (g *Gateway) takeData(event events.Event, req *request) error {
	media := events.MediaType(event.DataContentType)
	inJSON := events.IsJSON(media) || event.DataContentType == "" && event.Base64 == ""
	switch {
	case event.Base64 == "" && len(event.Data) == 0:
		return functions.Errorf(functions.Invalid, "the event has no data")
	case inJSON && event.Base64 != "":
		text, err := fetch.Base64(event.Base64, g.maxText())
		if err != nil {
			return err
		}
		return g.understand(text, req)
	case inJSON:
		return g.understand(event.Data, req)
	case !isPicture(media) && event.DataContentType != "":
		return dataFault()
	case event.Base64 == "":
		return functions.Errorf(functions.Invalid, "a picture in an event in JSON belongs in data_base64")
	}
	return g.takeBase64(event.Base64, req)
}

func dataFault() error {
	return functions.Errorf(functions.Unsupported, "the event's data must be a picture, image/* or "+
		"application/octet-stream, or application/json")
}

// eventFailed counts a failure of a function that is known.
func (g *Gateway) eventFailed(function string, err error) {
	if _, known := g.known(function); known {
		g.metrics.failed(function, err)
	}
}

// eventSource is the source of answers for a function, "" for none.
func (g *Gateway) eventSource(function string) string {
	if function == "" {
		return g.opts.Events.Source
	}
	return strings.TrimSuffix(g.opts.Events.Source, "/") + "/functions/" + url.PathEscape(function)
}
