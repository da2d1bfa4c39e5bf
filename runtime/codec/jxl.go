package codec

import (
	"bytes"
	"fmt"
	"image"
	"io"

	"github.com/seed45885407/saccade/runtime/vision"
)

// What jxl.c says of a file.
const (
	jxlShort    = 2
	jxlTooLarge = 3
)

// JXL satisfies vision.Codecs: the first picture of a file, as it is stored, and the
// profile of its colours.
func (c *Codecs) JXL(file []byte, bounds vision.Bounds) (pixels *image.NRGBA, profile []byte, err error) {
	p, err := c.jxl()
	if err != nil {
		return nil, nil, err
	}
	err = p.run(file, bounds, func(f found) error {
		// Of jxl.c: what became of it, width, height, pixels, their bytes, the profile, its bytes.
		w := f.words
		switch w[0] {
		case 0:
		case jxlShort:
			return io.ErrUnexpectedEOF
		case jxlTooLarge:
			return vision.ErrTooMuch
		default:
			return fmt.Errorf("code %d: %w", w[0], errDamaged)
		}
		width, height := int(w[1]), int(w[2])
		if width <= 0 || height <= 0 || int64(width) > bounds.Pixels/int64(height) || int64(w[8]) != 4*int64(width)*int64(height) {
			return errOutside
		}
		stored, err := f.bytes(uint64(w[7]), uint64(w[8]))
		if err != nil {
			return err
		}
		pixels = image.NewNRGBA(image.Rect(0, 0, width, height))
		copy(pixels.Pix, stored)
		if w[11] > 0 {
			stored, err := f.bytes(uint64(w[10]), uint64(w[11]))
			if err != nil {
				return err
			}
			profile = bytes.Clone(stored)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return pixels, profile, nil
}
