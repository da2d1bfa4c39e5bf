// Package vision is the picture door: it receives a stranger's bytes and hands
// on an upright [Picture], the input tensor a network wants of it (see [Input]),
// and the picture again with boxes drawn (see [Draw]).
//
// It refuses, before any memory is taken for pixels, what is empty, of a format
// it does not read, cut off, or larger than its [Limits]. It trusts no name and
// no media type: the bytes alone say what they are.
package vision

import (
	"fmt"
	"image"

	"github.com/seed45885407/saccade/functions"
)

// Limits bound what Decode accepts, and name what it decodes with. Zero fields mean
// the defaults.
type Limits struct {
	// MaxBytes is the most bytes of an encoded picture. Default [DefaultMaxBytes].
	MaxBytes int64
	// MaxPixels is the most pixels, width times height as the header says them.
	// Default [DefaultMaxPixels]. A picture takes 1 to 8 bytes a pixel in memory; a
	// progressive JPEG takes up to 15 for the while of its decoding. One that takes
	// much and has few bytes is refused, whatever the limits.
	MaxPixels int64
	// JPEG decodes JPEGs, as far as it can. Default: image/jpeg decodes all of them.
	JPEG *JPEG
	// Codecs decode AVIF and JPEG XL. Default: nothing does.
	Codecs Codecs
}

// The limits where none are set: 20 MB and 50 megapixels.
const (
	DefaultMaxBytes  = 20_000_000
	DefaultMaxPixels = 50_000_000
)

func (l Limits) withDefaults() Limits {
	if l.MaxBytes <= 0 {
		l.MaxBytes = DefaultMaxBytes
	}
	if l.MaxPixels <= 0 {
		l.MaxPixels = DefaultMaxPixels
	}
	return l
}

// Picture is a decoded picture. Its pixels stay as the decoder left them, in
// stored orientation and colour space: turning and converting happen on the few
// pixels that a network looks at. A Picture is read-only and safe to share.
type Picture struct {
	// Picture has the upright width and height, and the format.
	functions.Picture

	pixels      image.Image
	orientation orientation
	// studio marks YCbCr pixels in BT.601 studio range (luma 16..235), which is
	// what lossy WebP stores, where JPEG stores full range.
	studio bool
	// profile takes the colours to sRGB; nil where they are that already.
	profile *profile
	// shrink is how many pixels of the stored picture, side by side, are one of pixels;
	// more than 1 for large JPEGs alone.
	shrink int
	origin origin
	// lent are the planes to give back, where a [JPEG] lent them.
	lent *image.YCbCr
}

// Decode reads the picture in data. It fails with a *functions.Error of kind
// TooLarge, Unsupported or Unreadable.
func Decode(data []byte, limits Limits) (*Picture, error) {
	limits = limits.withDefaults()
	if len(data) == 0 {
		return nil, functions.Errorf(functions.Unreadable, "the picture is empty")
	}
	if size := int64(len(data)); size > limits.MaxBytes {
		return nil, functions.Errorf(functions.TooLarge, "the picture has %.1f MB, and at most %.1f MB are read",
			float64(size)/1e6, float64(limits.MaxBytes)/1e6)
	}
	format, known := sniff(data)
	if !known {
		if name := functions.ForeignFormat(data); name != "" {
			return nil, functions.Errorf(functions.Unsupported, "this is %s, which is not read; %s are", name, functions.Formats)
		}
		return nil, functions.Errorf(functions.Unsupported,
			"these bytes are no picture in a format that is read: %s", functions.Formats)
	}
	head, err := format.header(data)
	if err != nil {
		return nil, format.refusal(err)
	}
	if head.width <= 0 || head.height <= 0 {
		return nil, functions.Errorf(functions.Unreadable, "the %s has no pixels", format.title)
	}
	if int64(head.width) > limits.MaxPixels/int64(head.height) {
		return nil, functions.Errorf(functions.TooLarge, "the picture has %dx%d pixels, and at most %g megapixels are read",
			head.width, head.height, float64(limits.MaxPixels)/1e6)
	}
	head.codecs = limits.Codecs
	p, err := format.read(data, head, format.shrinkage(head), limits)
	if err != nil {
		return nil, format.refusal(err)
	}
	return p, nil
}

// read makes the picture of a header that has been judged, at 1/shrink of its size.
func (f format) read(data []byte, head header, shrink int, limits Limits) (*Picture, error) {
	width, height := head.orientation.upright(head.width, head.height)
	p := &Picture{
		Picture:     functions.Picture{Width: width, Height: height, Format: f.name},
		orientation: head.orientation,
		studio:      f.name == "webp",
		profile:     head.profile,
		origin:      origin{head: head, limits: limits},
	}
	if planes := limits.JPEG.planes(f, data, head, shrink); planes != nil {
		p.pixels, p.shrink, p.lent = pixelsOf(planes), shrink, planes
	} else {
		pixels, err := f.decode(data, head)
		if err != nil {
			return nil, err
		}
		if b := pixels.Bounds(); b.Dx() != head.width || b.Dy() != head.height {
			// The decoder read another size than the header that was judged.
			return nil, fmt.Errorf("decoded %dx%d, the header says %dx%d", b.Dx(), b.Dy(), head.width, head.height)
		}
		p.pixels, p.shrink = averaged(pixels, shrink)
		if head.late != nil {
			p.profile = head.late.profile
		}
	}
	if p.shrink > 1 {
		p.origin.data = data
	}
	return p, nil
}
