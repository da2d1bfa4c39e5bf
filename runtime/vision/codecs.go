package vision

import (
	"errors"
	"image"

	"github.com/seed45885407/saccade/functions"
)

// Codecs decode pictures that no decoder in Go is there for; package codec does. They are
// used by several goroutines at once. What they refuse as [ErrTooMuch] is too large; all
// else that goes wrong is the picture's fault.
type Codecs interface {
	// AV1 decodes the first picture of a stream of AV1, as its planes: an *image.Gray or
	// an *image.YCbCr whose samples mean what the Colours say.
	AV1(stream []byte, bounds Bounds) (image.Image, Colours, error)
	// JXL decodes the first picture of a JPEG XL file, as it is stored, with the ICC
	// profile of its colours.
	JXL(file []byte, bounds Bounds) (*image.NRGBA, []byte, error)
}

// Bounds are what a picture may take of a codec: pixels, and bytes of memory beside those
// of the result. Its time follows from the pixels.
type Bounds struct{ Pixels, Memory int64 }

// ErrTooMuch says that a picture would take more than its bounds.
var ErrTooMuch = errors.New("over the bounds of memory or time")

// codecMemory is what a codec may take for the smallest of pictures.
const codecMemory = 16 << 20

// bounds are what a codec may take: generously many bytes a pixel, but together with those
// of the result no more than the picture is worth.
func (h header) bounds(data []byte, generous, result float64) Bounds {
	left := freeBytes + bytesPerByte*float64(len(data)) - h.takes(result)
	return Bounds{
		Pixels: int64(h.width) * int64(h.height),
		Memory: int64(min(codecMemory+h.takes(generous), max(codecMemory, left))),
	}
}

// tooMuch says of a codec's failure what the caller may read of it, where the bounds are
// to blame.
func (h header) tooMuch(title string, err error) error {
	if !errors.Is(err, ErrTooMuch) {
		return err
	}
	return functions.Errorf(functions.TooLarge, "the %s of %dx%d pixels takes more memory or time than there is for one of its size",
		title, h.width, h.height).Because(err)
}

// noCodecs refuses where nothing decodes a format.
func noCodecs(title string) error {
	return functions.Errorf(functions.Unsupported, "this is %s, for which there is no decoder here", title)
}
