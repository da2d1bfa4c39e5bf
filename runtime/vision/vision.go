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

// Limits bound what Decode accepts. Zero fields mean the defaults.
type Limits struct {
	// MaxBytes is the most bytes of an encoded picture. Default [DefaultMaxBytes].
	MaxBytes int64
	// MaxPixels is the most pixels, width times height as the header says them.
	// Default [DefaultMaxPixels]. A picture takes 1 to 8 bytes a pixel in memory; a
	// progressive JPEG takes up to 15 for the while of its decoding.
	MaxPixels int64
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
	pixels, err := format.decode(data, head)
	if err != nil {
		return nil, format.refusal(err)
	}
	if b := pixels.Bounds(); b.Dx() != head.width || b.Dy() != head.height {
		// The decoder read another size than the header that was judged.
		err := fmt.Errorf("decoded %dx%d, the header says %dx%d", b.Dx(), b.Dy(), head.width, head.height)
		return nil, format.refusal(err)
	}
	width, height := head.orientation.upright(head.width, head.height)
	return &Picture{
		Picture:     functions.Picture{Width: width, Height: height, Format: format.name},
		pixels:      pixels,
		orientation: head.orientation,
		studio:      format.name == "webp",
		profile:     head.profile,
	}, nil
}
