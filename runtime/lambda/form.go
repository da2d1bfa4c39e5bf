package lambda

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"

	"github.com/seed45885407/saccade/functions"
)

// Bounds of a form beside its picture.
const (
	maxFormFields = 16
	maxFieldBytes = 1 << 10
)

// readForm takes a form with the picture in the field image and parameters in fields
// of their own. mangled says that it came as text.
func (a *ask) readForm(content []byte, boundary string, mangled bool) error {
	if boundary == "" {
		return functions.Errorf(functions.Invalid, "the form's content type names no boundary")
	}
	reader := multipart.NewReader(bytes.NewReader(content), boundary)
	for fields := 0; ; fields++ {
		part, err := reader.NextPart()
		switch {
		case errors.Is(err, io.EOF) && a.picture == nil:
			return functions.Errorf(functions.Invalid, "the form has no field named image")
		case errors.Is(err, io.EOF):
			return checkFormat(a.picture, mangled)
		case err != nil:
			return functions.Errorf(functions.Invalid, "the form cannot be read").Because(err)
		case fields == maxFormFields:
			return functions.Errorf(functions.Invalid, "the form has too many fields")
		}
		if err := a.readField(part); err != nil {
			return err
		}
	}
}

func (a *ask) readField(part *multipart.Part) error {
	name := part.FormName()
	if name == "image" {
		if a.picture != nil {
			return functions.Errorf(functions.Invalid, "the form has more than one image")
		}
		picture, err := io.ReadAll(part) // it is in memory already: no longer than the event
		if err != nil {
			return functions.Errorf(functions.Invalid, "the form cannot be read").Because(err)
		}
		a.picture = picture
		return nil
	}
	value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
	if err != nil || len(value) > maxFieldBytes {
		return functions.Errorf(functions.Invalid, "the form field %.64q is too long", name).Because(err)
	}
	return a.set(name, string(value))
}
