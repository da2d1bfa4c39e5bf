package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

// web is an HTTP request that came as an event. It is answered with an HTTP answer,
// whatever comes of it.
type web struct {
	message
	function string
	// event is set where the request is a CloudEvent, in mode.
	event *events.Event
	mode  events.Mode
	// drawn is set where the answer is to be a picture.
	drawn string
}

func (w *web) kind() string { return w.by }

func (w *web) most() int { return w.message.most }

// nowhere is a path or a method that there is not.
type nowhere int

func (n nowhere) Error() string { return http.StatusText(int(n)) }

// asProbe tells a load balancer's or an operator's question how the instance is.
func asProbe(d door) (*web, bool) {
	w, is := d.(*web)
	return w, is && w.method == http.MethodGet && w.probes() != ""
}

// probes is the instance's path for a probe, "" for every other request. Before it may
// stand what an API puts there.
func (w *web) probes() string {
	for _, path := range []string{"/healthz", "/readyz"} {
		if strings.HasSuffix(w.path, path) {
			return path
		}
	}
	return ""
}

// route refuses what is not for this function. A function is alone behind its URL, so
// the root and /v1/detect are its, and the gateway's path under its own name.
func (w *web) route() error {
	path := strings.TrimSuffix(w.path, "/")
	named, inFull := "", false
	if at := strings.LastIndex(path, "/v1/functions/"); at >= 0 {
		named, inFull = strings.CutSuffix(path[at+len("/v1/functions/"):], "/detect")
	}
	switch {
	case inFull && named != w.function:
		return functions.Errorf(functions.NotFound, "there is no function %.64q here; this is %s", named, w.function)
	case !inFull && path != "" && !strings.HasSuffix(path, "/v1/detect") && !strings.HasSuffix(path, "/v1/events"):
		return nowhere(http.StatusNotFound)
	case w.method != http.MethodPost:
		return nowhere(http.StatusMethodNotAllowed)
	}
	return nil
}

func (w *web) read() (ask, error) {
	var a ask
	if err := w.route(); err != nil {
		return a, err
	}
	if coding := w.header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return a, functions.Errorf(functions.Unsupported, "bodies are taken without a content encoding")
	}
	a.traceparent = w.header.Get("Traceparent")
	if a.annotated = wantsPicture(w.header.Get("Accept")); a.annotated != "" {
		a.params.Draw, w.drawn = a.annotated, a.annotated
	}
	if err := a.setQuery(w.query); err != nil {
		return a, err
	}
	content, err := w.bytes()
	if err != nil {
		return a, err
	}
	return w.readContent(a, content)
}

// readContent takes the body in any of the forms of the HTTP API.
func (w *web) readContent(a ask, content []byte) (ask, error) {
	declared := w.header.Get("Content-Type")
	mode, err := events.ModeOf(declared)
	if err != nil {
		return a, err
	}
	if mode != events.Binary || w.header.Get("Ce-Specversion") != "" {
		return w.readEvent(a, mode, content)
	}
	media, parameters, err := mime.ParseMediaType(declared)
	switch {
	case err != nil && declared != "":
		return a, functions.Errorf(functions.Unsupported, "the content type cannot be understood")
	case media == "application/json":
		if len(content) == 0 {
			return a, functions.Errorf(functions.Invalid, "the body is empty")
		}
		return a, a.readJSON(content)
	case media == "multipart/form-data":
		return a, a.readForm(content, parameters["boundary"], !w.in64)
	case isPicture(media):
		a.picture = content
		return a, checkFormat(content, !w.in64)
	}
	return a, functions.Errorf(functions.Unsupported, "send a picture as image/*, application/octet-stream, "+
		"multipart/form-data (field image) or application/json")
}

// readEvent takes a CloudEvent. In binary mode its data is the body.
func (w *web) readEvent(a ask, mode events.Mode, content []byte) (ask, error) {
	event, err := events.FromHeader(w.header)
	switch mode {
	case events.Batched:
		err = functions.Errorf(functions.Unsupported, "an instance on Lambda takes one event at a time; batches are for the gateway")
	case events.Structured:
		event, err = events.Parse(content)
	}
	w.event, w.mode = &event, mode
	if err != nil {
		return a, err
	}
	if err := a.address(event, w.function); err != nil {
		return a, err
	}
	media := events.MediaType(event.DataContentType)
	switch {
	case mode == events.Structured:
		return a, a.readData(event)
	case events.IsJSON(media):
		return a, a.readJSON(content)
	case isPicture(media):
		a.picture = content
		return a, checkFormat(content, !w.in64)
	}
	return a, dataFault()
}

// answer writes a reply in the form that was asked for.
func (w *web) answer(reply functions.Reply) ([]byte, error) {
	said := newRecord()
	h := said.header
	h.Set("Server-Timing", serverTiming(reply))
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	switch {
	case w.event != nil && w.mode == events.Binary:
		event, err := events.Detected(*w.event, source(reply.Function), reply)
		if err != nil {
			return nil, err
		}
		event.SetHeader(h)
		said.body.Write(event.Data)
	case w.event != nil:
		text, err := detected(*w.event, reply)
		if err != nil {
			return nil, err
		}
		h.Set("Content-Type", events.ContentTypeStructured)
		said.body.Write(text)
	case w.drawn != "" && reply.Annotated != nil:
		h.Set("Content-Type", reply.Annotated.ContentType)
		said.body.Write(reply.Annotated.Data)
	default:
		h.Set("Content-Type", "application/json")
		if err := json.NewEncoder(&said.body).Encode(reply); err != nil {
			return nil, fmt.Errorf("writing the reply: %w", err)
		}
	}
	return w.write(said)
}

// refuse answers with a problem; a sender of events with one that says by its status
// whether to send again.
func (w *web) refuse(err error) ([]byte, error) {
	said := newRecord()
	if none, is := errors.AsType[nowhere](err); is {
		if none == http.StatusMethodNotAllowed {
			said.header.Set("Allow", http.MethodPost)
		}
		problem.WriteProblem(said, problem.Problem{Type: "about:blank", Title: none.Error(), Status: int(none)})
		return w.write(said)
	}
	if w.event != nil {
		problem.WriteForEvents(said, err)
	} else {
		problem.Write(said, err)
	}
	return w.write(said)
}

// wantsPicture is png or jpeg where the caller accepts a picture before JSON.
func wantsPicture(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		switch media {
		case "image/png", "image/jpeg":
			return strings.TrimPrefix(media, "image/")
		case "application/json", "*/*":
			return ""
		}
	}
	return ""
}

// serverTiming is the reply's phases as a Server-Timing header (W3C Server Timing).
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
