package vision

import (
	"image/color"

	"github.com/seed45885407/saccade/functions"
)

// What decoding may take of memory: freeBytes for any picture, and bytesPerByte for
// each byte of it. A photograph is within, and so is a drawing or a screenshot of 12
// megapixels; nothing at all, in fifty megapixels and a hundred kilobytes, would take
// up to a gigabyte, and is not.
const (
	freeBytes    = 45_000_000
	bytesPerByte = 100
)

// worth refuses what is not worth the memory of its pixels.
func (h header) worth(title string, data []byte) error {
	if h.memory <= freeBytes+bytesPerByte*float64(len(data)) {
		return nil
	}
	return functions.Errorf(functions.TooLarge, "the %s has %dx%d pixels in no more than %.1f MB, and would take %.0f MB to read",
		title, h.width, h.height, float64(len(data))/1e6, h.memory/1e6)
}

// takes is the memory of the pixels at so many bytes each.
func (h header) takes(bytesPerPixel float64) float64 {
	return bytesPerPixel * float64(h.width) * float64(h.height)
}

// pixelBytes is what a decoder's image of this colour model takes for a pixel.
func pixelBytes(model color.Model) float64 {
	if _, is := model.(color.Palette); is {
		return 1
	}
	switch model {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	return 4
}
