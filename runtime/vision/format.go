package vision

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/seed45885407/saccade/functions"
)

// format is one way to write pictures into bytes.
type format struct {
	// name is for machines, title for people.
	name, title string
	// readHeader takes no memory for pixels.
	readHeader func(data []byte) (header, error)
	// readPixels is called once the header has been judged.
	readPixels func(data []byte, head header) (image.Image, error)
}

// header is what is known of a picture before its pixels are.
type header struct {
	// width and height are as stored, before the orientation.
	width, height int
	orientation   orientation
	profile       *profile
	// scans is how many times a JPEG goes over its pixels.
	scans int
	// memory is how many bytes decoding takes.
	memory float64
	// frame is where in data the frame to decode is, in formats that need to know.
	frame frame
	// codecs decode it, in formats that need one; colours is what the container says of
	// the planes, nil for nothing.
	codecs  Codecs
	colours *Colours
	// result is how many bytes a pixel has when a codec is done.
	result float64
	// late is what only decoding tells; nil in formats whose headers tell all.
	late *late
}

type late struct{ profile *profile }

// The causes our own readers give.
var (
	errShort       = fmt.Errorf("fewer bytes than the header's size needs: %w", io.ErrUnexpectedEOF)
	errUnsupported = errors.New("not supported")
)

func formats() [8]format {
	return [...]format{
		{"jpeg", "JPEG", jpegHeader, jpegPixels},
		{"png", "PNG", pngHeader, pngPixels},
		{"gif", "GIF", gifHeader, gifPixels},
		{"webp", "WebP", webpHeader, webpPixels},
		{"avif", "AVIF", avifHeader, avifPixels},
		{"jxl", "JPEG XL", jxlHeader, jxlPixels},
		{"bmp", "BMP", bmpHeader, bmpPixels},
		{"tiff", "TIFF", tiffHeader, tiffPixels},
	}
}

func sniff(data []byte) (format, bool) {
	name := functions.FormatOf(data)
	for _, f := range formats() {
		if f.name == name {
			return f, true
		}
	}
	return format{}, false
}

// header reads the header; a panic of the reader is an error.
func (f format) header(data []byte) (head header, err error) {
	defer calm(&err)
	return f.readHeader(data)
}

// decode reads the pixels; a panic of the decoder is an error.
func (f format) decode(data []byte, head header) (pixels image.Image, err error) {
	defer calm(&err)
	return f.readPixels(data, head)
}

// calm turns a panic into an error: decoders of other people's making meet a
// stranger's bytes here, and an index out of range must cost one request, not
// the process.
func calm(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the decoder panicked: %v", p)
	}
}

// refusal is what the caller reads of a failure to read this format.
func (f format) refusal(cause error) *functions.Error {
	if said, is := errors.AsType[*functions.Error](cause); is {
		return said
	}
	switch {
	case isUnsupported(cause):
		return functions.Errorf(functions.Unsupported, "this kind of %s is not read", f.title).Because(cause)
	case errors.Is(cause, io.ErrUnexpectedEOF), errors.Is(cause, io.EOF):
		return functions.Errorf(functions.Unreadable, "the %s ends too early", f.title).Because(cause)
	default:
		return functions.Errorf(functions.Unreadable, "the %s is damaged or cut off", f.title).Because(cause)
	}
}

func isUnsupported(err error) bool {
	var (
		jpegErr jpeg.UnsupportedError
		pngErr  png.UnsupportedError
		tiffErr tiff.UnsupportedError
	)
	return errors.Is(err, errUnsupported) || errors.Is(err, bmp.ErrUnsupported) ||
		errors.As(err, &jpegErr) || errors.As(err, &pngErr) || errors.As(err, &tiffErr)
}
