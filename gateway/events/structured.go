package events

import (
	"bytes"
	"encoding/json"
	"maps"
	"strconv"
	"unicode/utf8"

	"github.com/seed45885407/saccade/functions"
)

// Parse reads an event in the JSON format. Its data is not copied: text must stay
// as it is while the event is used. Errors are functions.Errors; the event then has
// the attributes that could be read.
func Parse(text []byte) (Event, error) {
	if err := validJSON(text); err != nil {
		return Event{}, err
	}
	if text = bytes.TrimLeft(text, space); text[0] != '{' {
		return Event{}, functions.Errorf(functions.Invalid, "an event is a JSON object")
	}
	attributes, data, in64, err := members(text)
	e, attributesErr := fromAttributes(attributes)
	if err == nil {
		err = attributesErr
	}
	if err == nil {
		err = e.setData(data, in64, attributes)
	}
	return e, err
}

// members splits an event into its attributes and its data. Of what is wrong the
// first is told, and the rest read all the same.
func members(text []byte) (attributes map[string]any, data []byte, in64 bool, fault error) {
	attributes = map[string]any{}
	seen := map[string]bool{}
	note := func(err error) {
		if fault == nil {
			fault = err
		}
	}
	for key, raw := range pairs(text) {
		var name string
		if err := json.Unmarshal(key, &name); err != nil {
			note(functions.Errorf(functions.Invalid, "a name in the event is malformed").Because(err))
			continue
		}
		// Which of two would count depends on who reads it.
		if seen[name] {
			note(functions.Errorf(functions.Invalid, "the event has %.64q more than once", name))
			continue
		}
		if len(seen) > MaxAttributes+2 { // and data, of either kind
			note(functions.Errorf(functions.Invalid, "the event has more than %d attributes", MaxAttributes))
			break
		}
		seen[name] = true
		if string(raw) == "null" { // as good as not there
			continue
		}
		if name == "data" || name == "data_base64" {
			if data != nil {
				note(functions.Errorf(functions.Invalid, "an event has either data or data_base64"))
			}
			data, in64 = raw, name == "data_base64"
			continue
		}
		value, err := attributeValue(raw)
		if err != nil {
			note(functions.Errorf(functions.Invalid, "the attribute %.64q %s", name, err))
			continue
		}
		attributes[name] = value
	}
	return attributes, data, in64, fault
}

// attributeError is what is wrong with an attribute, for a sentence that names it.
type attributeError string

func (e attributeError) Error() string { return string(e) }

// attributeValue reads a string, a boolean or an integer of 32 bits.
func attributeValue(raw []byte) (any, error) {
	switch raw[0] {
	case '"':
		if len(raw) > 6*MaxAttributeBytes+2 { // a byte takes six at most: \u0041
			return nil, attributeError("is too long")
		}
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case 't', 'f':
		return raw[0] == 't', nil
	case '{', '[':
		return nil, attributeError("must not be an object or a list")
	}
	number, err := strconv.ParseInt(string(raw), 10, 32)
	if err != nil {
		return nil, attributeError("is a number that is no integer of 32 bits")
	}
	return int32(number), nil
}

// setData takes the data from its member: JSON as it stands, text as its bytes,
// base64 as it is written.
func (e *Event) setData(raw []byte, in64 bool, attributes map[string]any) error {
	if attributes["specversion"] == versionOld && attributes["datacontentencoding"] != nil {
		if attributes["datacontentencoding"] != "base64" {
			return functions.Errorf(functions.Unsupported, "the only datacontentencoding is base64")
		}
		in64 = true
	}
	media := MediaType(e.DataContentType)
	switch {
	case raw == nil:
		return nil
	case !in64 && (e.DataContentType == "" || IsJSON(media)):
		e.Data = raw
		return nil
	case raw[0] != '"':
		return functions.Errorf(functions.Invalid, "data that is not of a JSON type must be text")
	}
	text := string(raw[1 : len(raw)-1])
	if bytes.IndexByte(raw, '\\') >= 0 {
		if err := json.Unmarshal(raw, &text); err != nil {
			return functions.Errorf(functions.Invalid, "the data is malformed").Because(err)
		}
	}
	if in64 {
		e.Base64 = text
	} else {
		e.Data = []byte(text)
	}
	return nil
}

// MarshalJSON is the event in the JSON format.
func (e Event) MarshalJSON() ([]byte, error) {
	members := maps.Collect(e.attributes)
	switch {
	case e.Base64 != "":
		members["data_base64"] = e.Base64
	case e.Data == nil:
	case e.DataContentType == "" || IsJSON(MediaType(e.DataContentType)):
		members["data"] = json.RawMessage(e.Data)
	default:
		members["data_base64"] = e.Data // encoding/json writes bytes in base64
	}
	return json.Marshal(members)
}

// Split is the events of a batch, each for Parse, not copied. A batch of more than
// most is refused whole, before any of it is looked at.
func Split(text []byte, most int) ([][]byte, error) {
	if err := validJSON(text); err != nil {
		return nil, err
	}
	if text = bytes.TrimLeft(text, space); text[0] != '[' {
		return nil, functions.Errorf(functions.Invalid, "a batch is a JSON list of events")
	}
	var all [][]byte
	for element := range elements(text) {
		if len(all) == most {
			return nil, functions.Errorf(functions.Invalid, "the batch has more than %d events", most)
		}
		all = append(all, element)
	}
	return all, nil
}

func validJSON(text []byte) error {
	// encoding/json reads broken UTF-8 as another character; events are not changed.
	if !utf8.Valid(text) || !json.Valid(text) {
		return functions.Errorf(functions.Invalid, "the body is not valid JSON")
	}
	return nil
}
