package gateway

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/fetch"
)

// Bounds of a form beside its picture.
const (
	maxFormFields = 16
	maxFieldBytes = 1 << 10
)

// readForm takes a form with the picture in the field image and parameters in
// fields of their own, before or after it. It reads up to the picture's first
// bytes; the rest comes with the picture.
func (g *Gateway) readForm(r *http.Request, boundary string, req *request) error {
	if boundary == "" {
		return functions.Errorf(functions.Invalid, "the form's content type names no boundary")
	}
	if r.ContentLength > g.opts.MaxBytes+maxJSONOverhead {
		return functions.Errorf(functions.TooLarge, "the form has %d bytes; a picture of at most %d is taken",
			r.ContentLength, g.opts.MaxBytes)
	}
	form := &form{reader: multipart.NewReader(r.Body, boundary), req: req}
	part, err := form.untilImage()
	if err != nil {
		return err
	}
	if part == nil {
		return functions.Errorf(functions.Invalid, "the form has no field named image")
	}
	body, err := g.peek(part, -1)
	if err != nil {
		return err
	}
	req.size = min(r.ContentLength, g.opts.MaxBytes) // negative where the form comes in chunks
	req.lent = true
	req.picture = func(_ context.Context, held fetch.Held) ([]byte, error) {
		picture, err := g.pictures.ReadAll(held.Reader(body), -1, g.opts.MaxBytes)
		if err != nil {
			return nil, err
		}
		if second, err := form.untilImage(); err != nil {
			return nil, err
		} else if second != nil {
			return nil, functions.Errorf(functions.Invalid, "the form has more than one image")
		}
		return picture, nil
	}
	return nil
}

// form reads a multipart body part by part.
type form struct {
	reader *multipart.Reader
	req    *request
	fields int
}

// untilImage sets parameters from the fields up to the next image, and is nil
// where the form ends first.
func (f *form) untilImage() (*multipart.Part, error) {
	for {
		part, err := f.reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, brokeOff(err, "the form cannot be read")
		}
		if part.FormName() == "image" {
			return part, nil
		}
		if f.fields++; f.fields > maxFormFields {
			return nil, functions.Errorf(functions.Invalid, "the form has too many fields")
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
		if err != nil || len(value) > maxFieldBytes {
			return nil, functions.Errorf(functions.Invalid, "the form field %.64q is too long", part.FormName()).Because(err)
		}
		if part.FormName() == "draw" && f.req.annotated != "" {
			continue // the Accept header has decided
		}
		if err := f.req.params.Set(part.FormName(), string(value)); err != nil {
			return nil, err
		}
	}
}
