package vision

import (
	"math"

	"github.com/seed45885407/saccade/functions"
)

// lightSide is the side of the grid of pixels that a picture's light is measured on:
// enough that a mean is within a hundredth, and few enough to cost microseconds.
const lightSide = 32

// Light measures how bright the picture is: mean and standard deviation of luma (ITU-R
// BT.601, of sRGB values as they are) over a grid of pixels, as shares of full white.
// The standard deviation is what is known as RMS contrast (E. Peli, Contrast in complex
// images, 1990).
func (p *Picture) Light() functions.Light {
	const n = lightSide * lightSide
	var sum, squares float64
	p.resize(lightSide, lightSide, new(scratch), func(_ int, colours []uint32) {
		for _, c := range colours {
			luma := 0.299*float64(c&0xff) + 0.587*float64(c>>8&0xff) + 0.114*float64(c>>16&0xff)
			sum += luma
			squares += luma * luma
		}
	})
	mean := sum / n
	return functions.Light{
		Brightness: float32(mean / 255),
		Contrast:   float32(math.Sqrt(max(0, squares/n-mean*mean)) / 255),
	}
}
