package events

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// FromHeader reads the event of a message in binary mode but for its data, which
// is the body. Errors are functions.Errors; the event then has the attributes that
// could be read.
func FromHeader(h http.Header) (Event, error) {
	attributes := map[string]any{}
	var fault error
	for key, values := range h {
		name, ours := strings.CutPrefix(strings.ToLower(key), "ce-")
		switch {
		case !ours, name == "datacontenttype": // Content-Type says it
		case len(values) > 1:
			fault = functions.Errorf(functions.Invalid, "the header has the attribute %.64q more than once", name)
		default:
			attributes[name] = unescape(values[0])
		}
	}
	if media := h.Get("Content-Type"); media != "" {
		attributes["datacontenttype"] = media
	}
	e, err := fromAttributes(attributes)
	if err == nil {
		err = fault
	}
	if err == nil && attributes["specversion"] == versionOld && attributes["datacontentencoding"] != nil {
		err = functions.Errorf(functions.Unsupported, "in binary mode the body is the data itself, of no datacontentencoding")
	}
	return e, err
}

// SetHeader writes the event's attributes into the header of a message in binary
// mode; its Data is the body.
func (e Event) SetHeader(h http.Header) {
	for name, value := range e.attributes() {
		if name == "datacontenttype" {
			h.Set("Content-Type", e.DataContentType)
			continue
		}
		h.Set("Ce-"+name, escape(fmt.Sprint(value)))
	}
}

// attributes are the event's context attributes that have a value.
func (e Event) attributes() map[string]any {
	all := map[string]any{"specversion": VersionOut}
	for name, value := range e.Extensions {
		all[name] = value
	}
	for name, value := range map[string]string{
		"id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject,
		"datacontenttype": e.DataContentType, "dataschema": e.DataSchema,
	} {
		if value != "" {
			all[name] = value
		}
	}
	if !e.Time.IsZero() {
		all["time"] = e.Time.UTC().Format(time.RFC3339Nano)
	}
	return all
}

// unescape reads a header's value (HTTP protocol binding 1.0.2, 3.1.3.2): quotes
// go first, then percent-escapes. A percent sign that begins no escape is itself,
// for senders that do not escape.
func unescape(value string) string {
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		var b strings.Builder
		for text := value[1 : len(value)-1]; text != ""; text = text[1:] {
			if text[0] == '\\' && len(text) > 1 {
				text = text[1:]
			}
			b.WriteByte(text[0])
		}
		value = b.String()
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// escape writes a header's value: percent-escapes for the space, the double quote,
// the percent sign, and all that is not printable ASCII.
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c <= ' ', c == '"', c == '%', c > '~':
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
