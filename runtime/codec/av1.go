package codec

import (
	"fmt"
	"image"

	"github.com/seed45885407/saccade/runtime/vision"
)

// AV1 satisfies vision.Codecs: the first picture of a stream of open bitstream units.
func (c *Codecs) AV1(stream []byte, bounds vision.Bounds) (pixels image.Image, colours vision.Colours, err error) {
	p, err := c.av1()
	if err != nil {
		return nil, colours, err
	}
	err = p.run(stream, bounds, func(f found) error {
		// Of av1.c: errno, width, height, layout, depth, matrix, range, planes, strides.
		w := f.words
		if w[0] != 0 {
			return fmt.Errorf("errno %d: %w", w[0], errDamaged)
		}
		width, height, layout, depth := int(w[1]), int(w[2]), int(w[3]), int(w[4])
		if width <= 0 || height <= 0 || int64(width) > bounds.Pixels/int64(height) || layout >= len(layouts) || depth < 8 || depth > 12 {
			return errOutside
		}
		colours = vision.Colours{Matrix: int(w[5]), Full: w[6] != 0}
		if layout == 0 {
			grey := image.NewGray(image.Rect(0, 0, width, height))
			pixels = grey
			return f.rows(grey.Pix, w[7], int(w[10]), width, height, depth)
		}
		planes := image.NewYCbCr(image.Rect(0, 0, width, height), layouts[layout])
		pixels = planes
		if err := f.rows(planes.Y, w[7], int(w[10]), width, height, depth); err != nil {
			return err
		}
		chroma := len(planes.Cb) / planes.CStride
		if err := f.rows(planes.Cb, w[8], int(w[11]), planes.CStride, chroma, depth); err != nil {
			return err
		}
		return f.rows(planes.Cr, w[9], int(w[11]), planes.CStride, chroma, depth)
	})
	if err != nil {
		return nil, colours, err
	}
	return pixels, colours, nil
}
