// Package events reads and writes CloudEvents as HTTP carries them: binary,
// structured and batched.
//
// It receives header fields and bodies from any sender, versions 1.0 and 0.3 of
// the specification, and hands on the [Event] they are and, for an outcome, the
// event that answers it. It refuses what is no CloudEvent with a functions.Error,
// and never makes an event of a type that asks for work, so that no answer can
// come back as a request. It knows no picture and no function: data stays as it
// came.
package events

import (
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed45885407/saccade/functions"
)

// The types of events that the gateway takes and makes.
const (
	// TypeDetect asks for the objects in a picture.
	TypeDetect = "dev.saccade.detect.v1"
	// TypeDetected has a functions.Reply as its data.
	TypeDetected = "dev.saccade.detected.v1"
	// TypeAccepted says that a request is worked on later; its data tells where to ask.
	TypeAccepted = "dev.saccade.accepted.v1"
	// TypeFailed has a problem as its data.
	TypeFailed = "dev.saccade.failed.v1"
	// TypeDrifted and TypeSettled have a functions.DriftChange as their data.
	TypeDrifted = "dev.saccade.drifted.v1"
	TypeSettled = "dev.saccade.settled.v1"
)

// Versions of the specification that are read; VersionOut is what is written.
const (
	VersionOut = "1.0"
	versionOld = "0.3"
)

// Bounds of an event beside its data.
const (
	// MaxAttributes is the most context attributes of one event.
	MaxAttributes = 100
	// MaxAttributeBytes is the most bytes of one attribute: some go back in the
	// answer's header.
	MaxAttributeBytes = 4 << 10
)

// Event is a CloudEvent of version 1.0 (https://github.com/cloudevents/spec, v1.0.2).
type Event struct {
	// ID and Source name the event; Type says what it tells or asks.
	ID, Source, Type string
	// Subject, DataContentType and DataSchema are "" where the event has none.
	Subject, DataContentType, DataSchema string
	// Time is zero where the event has none.
	Time time.Time
	// Extensions are strings, bools and int32s by lower-case name; nil for none.
	Extensions map[string]any
	// Data is the body, or JSON where the event is written in JSON.
	Data []byte
	// Base64 is the data instead where it came in base64: as it was written, so
	// that whoever needs the bytes can bound them first.
	Base64 string
}

// fromAttributes makes an event of all its context attributes but data. Where
// some are wrong, the event has the others, so that a failure can name it.
func fromAttributes(attributes map[string]any) (e Event, err error) {
	fault := func(format string, args ...any) {
		if err == nil {
			err = functions.Errorf(functions.Invalid, format, args...)
		}
	}
	if len(attributes) > MaxAttributes {
		fault("the event has %d attributes; at most %d are taken", len(attributes), MaxAttributes)
		return e, err
	}
	version := attributes["specversion"]
	switch version {
	case nil:
		fault("this is no CloudEvent: the attribute specversion is missing")
	case VersionOut, versionOld:
	default:
		fault("the event's specversion is not one that is read: %s and %s", VersionOut, versionOld)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		if why := attributeFault(name, value); why != "" {
			fault("the attribute %.64q %s", name, why)
			continue
		}
		text, isText := value.(string)
		field := e.field(name, version == versionOld)
		switch {
		case name == "specversion", version == versionOld && name == "datacontentencoding":
		case field == nil && name != "time":
			if e.Extensions == nil {
				e.Extensions = map[string]any{}
			}
			e.Extensions[name] = value
		case !isText || text == "":
			fault("the attribute %s must be text that is not empty", name)
		case name == "time":
			if e.Time, err = parseTime(text, err); err != nil {
				continue
			}
		default:
			*field = text
		}
	}
	for name, value := range map[string]string{"id": e.ID, "source": e.Source, "type": e.Type} {
		if value == "" {
			fault("the attribute %s is missing", name)
		}
	}
	if kind, sub, _ := strings.Cut(MediaType(e.DataContentType), "/"); e.DataContentType != "" && (kind == "" || sub == "") {
		fault("the attribute datacontenttype is no media type")
	}
	if _, parseErr := url.Parse(e.Source); parseErr != nil {
		fault("the attribute source is no URI reference")
	}
	return e, err
}

// field is where an attribute that the specification names has its place.
func (e *Event) field(name string, old bool) *string {
	switch name {
	case "id":
		return &e.ID
	case "source":
		return &e.Source
	case "type":
		return &e.Type
	case "subject":
		return &e.Subject
	case "datacontenttype":
		return &e.DataContentType
	case "dataschema":
		return &e.DataSchema
	case "schemaurl":
		if old {
			return &e.DataSchema
		}
	}
	return nil
}

// parseTime keeps the fault that was there before.
func parseTime(text string, before error) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil && before == nil {
		before = functions.Errorf(functions.Invalid, "the attribute time is no RFC 3339 timestamp").Because(err)
	}
	return at, before
}

// attributeFault says what is wrong with an attribute by the type system of the
// specification, "" for nothing.
func attributeFault(name string, value any) string {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return "has a name that is not of lower-case letters and digits"
	}
	text, isText := value.(string)
	switch {
	case !isText:
		return ""
	case len(text) > MaxAttributeBytes:
		return "is too long"
	case !utf8.ValidString(text), strings.ContainsFunc(text, isControl):
		return "has characters that are not allowed"
	}
	return ""
}

// isControl tells the characters that a String attribute must not have.
func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }

// integer is value as the specification's Integer, which has 32 bits.
func integer[T int | int64](value T) int32 {
	return int32(min(max(int64(value), math.MinInt32), math.MaxInt32))
}
