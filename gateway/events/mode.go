package events

import (
	"errors"
	"mime"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Media types of the modes that have one.
const (
	ContentTypeStructured = "application/cloudevents+json"
	ContentTypeBatch      = "application/cloudevents-batch+json"
)

// Mode is how an HTTP message carries events.
type Mode int

// The content modes of the HTTP protocol binding.
const (
	// Binary: one event, its attributes in the header, its data the body.
	Binary Mode = iota
	// Structured: one event, the body in JSON.
	Structured
	// Batched: any number of events, the body in JSON.
	Batched
)

// ModeOf reads the mode from a message's Content-Type. What is no media type of
// CloudEvents is the type of a binary event's data. Formats other than JSON are
// refused as Unsupported.
func ModeOf(contentType string) (Mode, error) {
	switch media := MediaType(contentType); {
	case media == ContentTypeStructured:
		return Structured, nil
	case media == ContentTypeBatch:
		return Batched, nil
	case media == "application/cloudevents", media == "application/cloudevents-batch",
		strings.HasPrefix(media, "application/cloudevents+"), strings.HasPrefix(media, "application/cloudevents-batch+"):
		return Binary, functions.Errorf(functions.Unsupported, "of the formats of CloudEvents JSON is read: %s or %s",
			ContentTypeStructured, ContentTypeBatch)
	}
	return Binary, nil
}

// MediaType is a content type in lower case without its parameters: a charset
// says nothing of JSON, which is UTF-8 always (RFC 8259), and a malformed one is
// no reason to lose an event. It is "" for what is no media type.
func MediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return media
}

// IsJSON tells whether data of a media type is JSON.
func IsJSON(media string) bool {
	return strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}
