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
		if len(key) < len("Ce-") || !strings.EqualFold(key[:len("Ce-")], "Ce-") {
			continue
		}
		name := strings.ToLower(key[len("Ce-"):])
		switch {
		case name == "datacontenttype": // Content-Type says it
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
	values := make([]string, 0, coreAttributes+len(e.Extensions)) // one piece of memory for all
	for name, value := range e.attributes {
		text, is := value.(string)
		if !is {
			text = fmt.Sprint(value)
		}
		if name == "datacontenttype" {
			h.Set("Content-Type", text)
			continue
		}
		values = append(values, escape(text))
		h[headerName(name)] = values[len(values)-1 : len(values) : len(values)]
	}
}

// headerName is Ce-Name as [http.Header] spells it: attributes' names are letters and
// digits, in lower case.
func headerName(attribute string) string {
	name := append(make([]byte, 0, 32), "Ce-"...)
	name = append(name, attribute...)
	if first := &name[len("Ce-")]; 'a' <= *first && *first <= 'z' {
		*first -= 'a' - 'A'
	}
	return string(name)
}

// coreAttributes is how many there are beside the extensions.
const coreAttributes = 8

// attributes are the event's context attributes that have a value.
func (e Event) attributes(yield func(name string, value any) bool) {
	for name, value := range e.Extensions {
		if !yield(name, value) {
			return
		}
	}
	var at string
	if !e.Time.IsZero() {
		at = e.Time.UTC().Format(time.RFC3339Nano)
	}
	for _, core := range [coreAttributes]struct{ name, value string }{
		{"specversion", VersionOut},
		{"id", e.ID},
		{"source", e.Source},
		{"type", e.Type},
		{"subject", e.Subject},
		{"datacontenttype", e.DataContentType},
		{"dataschema", e.DataSchema},
		{"time", at},
	} {
		if core.value != "" && !yield(core.name, core.value) {
			return
		}
	}
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
	first := strings.IndexFunc(value, isEscaped)
	if first < 0 {
		return value
	}
	var b strings.Builder
	b.WriteString(value[:first])
	for i := first; i < len(value); i++ {
		if c := value[i]; isEscaped(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isEscaped takes bytes as well as characters: both lie beyond ~ where they are no ASCII.
func isEscaped(c rune) bool { return c <= ' ' || c == '"' || c == '%' || c > '~' }
