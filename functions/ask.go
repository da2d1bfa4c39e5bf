package functions

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Set sets the parameter of that name from its text, as a URL or a form has it.
// Errors are of the Kind Invalid.
func (p *Parameters) Set(name, value string) error {
	switch name {
	case "min_score":
		score, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return Errorf(Invalid, "min_score is not a number")
		}
		return p.SetMinScore(score)
	case "draw":
		return p.SetDraw(value)
	}
	return Errorf(Invalid, "there is no parameter %.64q; there are min_score and draw", name)
}

// SetMinScore sets MinScore, which is from 0 to 1.
func (p *Parameters) SetMinScore(score float64) error {
	if !(score >= 0 && score <= 1) { // NaN is neither
		return Errorf(Invalid, "min_score must be between 0 and 1")
	}
	p.MinScore = &score
	return nil
}

// SetDraw sets Draw, which is png, jpeg or empty.
func (p *Parameters) SetDraw(format string) error {
	if !slices.Contains([]string{"", "png", "jpeg"}, format) {
		return Errorf(Invalid, "draw must be png or jpeg")
	}
	p.Draw = format
	return nil
}

// DecodeJSON reads one JSON value, of known fields alone, and says in words what is
// wrong with it. Errors are of the Kind Invalid.
func DecodeJSON(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more == io.EOF {
			return nil
		}
		return Errorf(Invalid, "the body has more than one JSON value")
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return Errorf(Invalid, "the field %s must not be a %s", e.Field, e.Value).Because(err)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Errorf(Invalid, "there is no field %.64s", field).Because(err)
	}
	return Errorf(Invalid, "the body is not valid JSON").Because(err)
}
