package lambda

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// ask is a detection that is asked for: a picture or where it is, and what else the
// request says.
type ask struct {
	// picture and url are one or the other.
	picture []byte
	url     string
	params  functions.Parameters
	// annotated is set where the answer is to be a picture: png or jpeg. It has decided
	// params.Draw.
	annotated string
	// traceparent is the request's own, or "".
	traceparent string
}

// body is the JSON form of a request, as the gateway takes it.
type body struct {
	Image *struct {
		// URL is an http, https or data URL.
		URL string `json:"url"`
		// Base64 is the picture itself.
		Base64 string `json:"base64"`
	} `json:"image"`
	MinScore *float64 `json:"min_score"`
	Draw     *string  `json:"draw"`
}

// readJSON takes {"image":{"url":…}|{"base64":…},"min_score":…,"draw":…}.
func (a *ask) readJSON(text []byte) error {
	var b body
	if err := functions.DecodeJSON(text, &b); err != nil {
		return err
	}
	if b.MinScore != nil {
		if err := a.params.SetMinScore(*b.MinScore); err != nil {
			return err
		}
	}
	if b.Draw != nil {
		if err := a.setDraw(*b.Draw); err != nil {
			return err
		}
	}
	switch {
	case b.Image == nil, (b.Image.URL == "") == (b.Image.Base64 == ""):
		return functions.Errorf(functions.Invalid, `image must have either a "url" or a "base64"`)
	case b.Image.URL != "":
		a.url = b.Image.URL
		return nil
	}
	return a.setBase64(b.Image.Base64)
}

func (a *ask) setBase64(text string) (err error) {
	if a.picture, err = decode64(text); err != nil {
		return err
	}
	return checkFormat(a.picture, false)
}

// set sets the parameter of a query or a form.
func (a *ask) set(name, value string) error {
	if name == "draw" {
		return a.setDraw(value)
	}
	return a.params.Set(name, value)
}

func (a *ask) setQuery(query url.Values) error {
	for name, values := range query {
		if err := a.set(name, values[len(values)-1]); err != nil {
			return err
		}
	}
	return nil
}

func (a *ask) setDraw(format string) error {
	asked := a.params
	if err := asked.SetDraw(format); err != nil || a.annotated != "" { // then the Accept header has decided
		return err
	}
	a.params = asked
	return nil
}

// decode64 reads base64 in the standard or the URL alphabet, padded or not, line
// breaks allowed. Its size needs no bound of its own: it is less than the event's.
func decode64(text string) ([]byte, error) {
	text = strings.TrimRight(text, "=\r\n")
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		alphabet = base64.RawURLEncoding
	}
	decoded, err := alphabet.DecodeString(text)
	if err != nil {
		return nil, functions.Errorf(functions.Invalid, "the base64 text is malformed").Because(err)
	}
	return decoded, nil
}

// checkFormat refuses what is empty or begins like no picture that is read. mangled
// says that the bytes came as text, in which no picture survives.
func checkFormat(picture []byte, mangled bool) error {
	switch {
	case len(picture) == 0:
		return functions.Errorf(functions.Unreadable, "the picture is empty")
	case functions.FormatOf(picture[:min(len(picture), functions.FormatBytes)]) != "":
		return nil
	case mangled:
		return functions.Errorf(functions.Unsupported, "the picture came as text, in which its bytes are lost: "+
			"the API's binary media types must have the picture's (or */*)")
	}
	return functions.Errorf(functions.Unsupported, "these bytes are no picture in a format that is read: %s", functions.Formats)
}
