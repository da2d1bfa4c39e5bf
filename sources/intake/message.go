package intake

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Message is what a broker or a folder hands over.
type Message struct {
	// Header has the content type, and the attributes of an event in binary mode as
	// HTTP carries them: ce-NAME, percent-escaped. See [SetAttribute].
	Header http.Header
	Data   []byte
	// ID, Source, Subject and Time are those of the event that is made of a plain
	// picture. The ID must be the same whenever the message comes again.
	ID      string
	Source  url.URL
	Subject string
	Time    time.Time
}

// SetAttribute puts an attribute that is not escaped into h as [Message] wants it.
// One that is there already stays beside it, to be refused.
func SetAttribute(h http.Header, name, value string) {
	h.Add("Ce-"+name, url.PathEscape(value))
}

// Event is the event that m is, or that is made of the picture it is. function is
// what the source's routes say of m, "" for nothing. Errors are functions.Errors that
// no other try mends; the event then has the attributes that could be read.
func (o Options) Event(m Message, function string) (events.Event, error) {
	if len(m.Data) > o.MaxBytes {
		e, _ := events.FromHeader(m.Header)
		return e, TooLarge(int64(len(m.Data)), o.MaxBytes)
	}
	e, err := o.read(m)
	if err != nil {
		return e, err
	}
	if function == "" {
		function = o.Function
	}
	if _, says := e.Extensions["function"]; !says && function != "" {
		e.Extensions = maps.Clone(e.Extensions)
		if e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		e.Extensions["function"] = function
	}
	return e, nil
}

// TooLarge is the error of a message of more bytes than are taken.
func TooLarge(bytes int64, most int) *functions.Error {
	return functions.Errorf(functions.TooLarge, "the message has %d bytes; at most %d are taken", bytes, most)
}

// read finds out which of the forms m has.
func (o Options) read(m Message) (events.Event, error) {
	contentType := m.Header.Get("Content-Type")
	mode, err := events.ModeOf(contentType)
	switch {
	case err != nil:
		return events.Event{}, err
	case mode == events.Structured:
		return events.Parse(m.Data)
	case mode == events.Batched:
		return events.Event{}, functions.Errorf(functions.Unsupported, "a batch is taken by HTTP alone; send one event a message")
	case isBinary(m.Header):
		e, err := events.FromHeader(m.Header)
		if kind, sub, _ := strings.Cut(events.MediaType(contentType), "/"); err == nil && contentType != "" && (kind == "" || sub == "") {
			err = functions.Errorf(functions.Invalid, "the content type is no media type") // nor could the event be written in JSON
		}
		e.Data = m.Data
		return e, err
	}
	if format := functions.FormatOf(m.Data); format != "" {
		return o.picture(m, format)
	}
	// Senders of before brokers had header fields name no content type: NATS below
	// 2.2, MQTT 3.1.1. Their bindings say that the message is JSON.
	if start := bytes.TrimLeft(m.Data, " \t\r\n"); len(start) > 0 && start[0] == '{' &&
		(contentType == "" || events.IsJSON(events.MediaType(contentType))) {
		return events.Parse(m.Data)
	}
	return events.Event{}, functions.Errorf(functions.Unsupported,
		"the message is no event and no picture: of pictures, %s are read", functions.Formats)
}

func isBinary(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(name), "ce-") {
			return true
		}
	}
	return false
}

// picture is the event that asks about a plain picture.
func (o Options) picture(m Message, format string) (events.Event, error) {
	e := events.Event{
		ID: m.ID, Source: m.Source.String(), Type: o.Type, Subject: Text(m.Subject),
		DataContentType: "image/" + format, Time: m.Time, Data: m.Data,
	}
	if max(len(e.ID), len(e.Source), len(e.Subject)) > events.MaxAttributeBytes {
		return events.Event{}, functions.Errorf(functions.Invalid, "the name of where the picture comes from is too long")
	}
	return e, nil
}

// Text is a name as an event's attribute may have it: as it is, or percent-escaped
// where it has control characters or is no UTF-8.
func Text(name string) string {
	isControl := func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }
	if !utf8.ValidString(name) || strings.ContainsFunc(name, isControl) {
		return url.PathEscape(name)
	}
	return name
}
