package render

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// object is a result for programs: a reply or a problem.
type object struct {
	Input   string           `json:"input"`
	Reply   *functions.Reply `json:"reply,omitempty"`
	Drawn   string           `json:"drawn,omitempty"`
	Problem *trouble         `json:"problem,omitempty"`
}

// trouble is a problem as the gateway answers it; what went wrong on this side of
// the gateway has no status and the type about:blank (RFC 9457, 4.2.1).
type trouble struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func objectOf(r Result) object {
	if r.Err != nil || r.Reply == nil {
		return object{Input: r.Input, Problem: troubleOf(r.Err)}
	}
	reply := *r.Reply
	if r.Drawn != "" {
		reply.Annotated = nil
	}
	return object{Input: r.Input, Reply: &reply, Drawn: r.Drawn}
}

func troubleOf(err error) *trouble {
	e, ok := errors.AsType[*functions.Error](err)
	switch {
	case err == nil:
		return &trouble{Type: "about:blank", Title: "no reply came"}
	case !ok:
		return &trouble{Type: "about:blank", Title: err.Error()}
	}
	p := problem.Of(e)
	t := trouble{Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail}
	if e.Kind == functions.Internal {
		t.Detail = err.Error() // the user of a client is who its log is for
	}
	return &t
}

// sentence is err in one line for people.
func sentence(err error) string {
	t := troubleOf(err)
	text := t.Title
	if t.Detail != "" {
		text += ": " + t.Detail
	}
	if e, ok := errors.AsType[*functions.Error](err); ok {
		if e.RetryAfter > 0 {
			text += ", try again in " + e.RetryAfter.String()
		}
		text += " [" + string(e.Kind) + "]"
	}
	return text
}

// element is r as the next element of an array.
func (p *Printer) element(r Result) ([]byte, error) {
	text, err := encode(objectOf(r), "  ", "  ")
	if err != nil {
		return nil, err
	}
	before := ",\n  "
	if p.seen == 0 {
		before = "[\n  "
	}
	return append([]byte(before), bytes.TrimRight(text, "\n")...), nil
}

func line(r Result) ([]byte, error) { return encode(objectOf(r), "", "") }

// encode is v in JSON and a line break, without the escapes for HTML that would
// spoil URLs.
func encode(v any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
