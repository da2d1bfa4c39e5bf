package nats

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	natsgo "github.com/nats-io/nats.go"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// message is what a NATS message says, but for what names it. Header fields are read
// in any case (ADR-4 of the NATS architecture): what differs in case alone is there
// twice.
func (s *Source) message(subject string, header natsgo.Header, data []byte) intake.Message {
	h := http.Header{}
	var inBinary []string
	for name, values := range header {
		switch lower := strings.ToLower(name); {
		case lower == "ce-datacontenttype": // where the binding has it
			inBinary = values
		case lower == "content-type", strings.HasPrefix(lower, "ce-"):
			key := http.CanonicalHeaderKey(lower)
			h[key] = append(h[key], values...)
		}
	}
	// Content-Type says that a message is structured, and of what else it is only where
	// nothing else does.
	if mode, err := events.ModeOf(h.Get("Content-Type")); len(inBinary) == 1 && mode == events.Binary && err == nil {
		contentType, err := url.PathUnescape(inBinary[0])
		if err != nil {
			contentType = inBinary[0]
		}
		h.Set("Content-Type", contentType)
	}
	return intake.Message{
		Header: h, Data: data, Subject: subject,
		Source: url.URL{Scheme: "nats", Host: s.options.host(), Path: "/" + subject},
	}
}

// write is the message that carries an event, in binary mode where that can be told
// from structured.
func write(subject string, e events.Event) (*natsgo.Msg, error) {
	msg := natsgo.NewMsg(subject)
	if mode, err := events.ModeOf(e.DataContentType); mode != events.Binary || err != nil {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("writing an event: %w", err)
		}
		msg.Header["Content-Type"] = []string{events.ContentTypeStructured}
		msg.Data = text
		return msg, nil
	}
	if msg.Data = e.Data; e.Base64 != "" {
		data, err := base64.StdEncoding.DecodeString(e.Base64)
		if err != nil {
			return nil, functions.Errorf(functions.Invalid, "the event's data is no base64").Because(err)
		}
		msg.Data = data
	}
	h := http.Header{}
	e.SetHeader(h)
	for name, values := range h {
		// In lower case, as the binding writes them: not every reader minds ADR-4.
		msg.Header[strings.ToLower(name)] = values
	}
	if e.DataContentType != "" {
		msg.Header["ce-datacontenttype"] = []string{escape(e.DataContentType)}
	}
	return msg, nil
}

// escape writes a header's value as the binding does (3.1.3.2).
func escape(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c == '"' || c == '%' || c > '~' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
