package lambda

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// cloud is an invocation whose event is a CloudEvent in JSON. What fails fails the
// invocation, so that whoever sent the event keeps it.
type cloud struct {
	payload  []byte
	function string
}

func (cloud) kind() string { return "cloudevent" }

func (cloud) most() int { return mostBytes }

func (c cloud) read() (ask, error) {
	event, err := events.Parse(c.payload)
	if err != nil {
		return ask{}, err
	}
	var a ask
	if err := a.address(event, c.function); err != nil {
		return a, err
	}
	return a, a.readData(event)
}

func (c cloud) answer(reply functions.Reply) ([]byte, error) {
	event, err := events.Parse(c.payload) // read has seen that it can be
	if err != nil {
		return nil, err
	}
	return detected(event, reply)
}

func (cloud) refuse(err error) ([]byte, error) { return nil, failure(err, false) }

// detected is the structured event that answers event.
func detected(event events.Event, reply functions.Reply) ([]byte, error) {
	answer, err := events.Detected(event, source(reply.Function), reply)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("writing the answering event: %w", err)
	}
	return text, nil
}

// source is whom answering events come from, as the gateway writes it.
func source(function string) string { return "/saccade/functions/" + function }

// address refuses an event that asks for nothing here, and takes its trace.
func (a *ask) address(event events.Event, function string) error {
	if event.Type != events.TypeDetect {
		return functions.Errorf(functions.Invalid, "events of the type %.64q are not taken; requests are %s",
			event.Type, events.TypeDetect)
	}
	if named, is := event.Extensions["function"]; is && named != any(function) {
		return functions.Errorf(functions.NotFound, "the event is for the function %.64q; this is %s", fmt.Sprint(named), function)
	}
	if trace, is := event.Extensions["traceparent"].(string); is {
		a.traceparent = trace
	}
	return nil
}

// readData takes the picture, or the JSON that names it, from the data of an event
// that is written in JSON.
func (a *ask) readData(event events.Event) error {
	media := events.MediaType(event.DataContentType)
	inJSON := events.IsJSON(media) || event.DataContentType == "" && event.Base64 == ""
	switch {
	case event.Base64 == "" && len(event.Data) == 0:
		return functions.Errorf(functions.Invalid, "the event has no data")
	case inJSON && event.Base64 != "":
		text, err := decode64(event.Base64)
		if err != nil {
			return err
		}
		return a.readJSON(text)
	case inJSON:
		return a.readJSON(event.Data)
	case !isPicture(media) && event.DataContentType != "":
		return dataFault()
	case event.Base64 == "":
		return functions.Errorf(functions.Invalid, "a picture in an event in JSON belongs in data_base64")
	}
	return a.setBase64(event.Base64)
}

func dataFault() error {
	return functions.Errorf(functions.Unsupported, "the event's data must be a picture, image/* or "+
		"application/octet-stream, or application/json")
}

// isPicture tells the media types of a body that is the picture itself.
func isPicture(media string) bool {
	return strings.HasPrefix(media, "image/") || media == "application/octet-stream"
}
