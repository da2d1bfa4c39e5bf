package vision

import (
	"image/color"
	"math"
)

// colour is red, green and blue.
type colour [3]uint8

var (
	black = colour{0, 0, 0}
	white = colour{255, 255, 255}
)

func (c colour) opaque() color.RGBA { return color.RGBA{R: c[0], G: c[1], B: c[2], A: 255} }

// classColour gives each class a colour of its own: the same lightness and
// vividness for all, and from one class to the next a turn of the hue by the
// golden angle, so that the first ones lie far apart.
func classColour(class int) colour {
	const lightness, chroma, start, golden = 0.74, 0.165, 40, 137.50776405
	hue := math.Mod(start+float64(class)*golden, 360) * math.Pi / 180
	return oklab(lightness, chroma*math.Cos(hue), chroma*math.Sin(hue))
}

// ink is what reads best on c.
func (c colour) ink() colour {
	// Perceived brightness, by the weights of BT.601.
	if 299*int(c[0])+587*int(c[1])+114*int(c[2]) > 140_000 {
		return black
	}
	return white
}

// oklab converts a colour of Oklab, in which equal lightness looks equally light
// (Björn Ottosson, "A perceptual color space for image processing", 2020).
func oklab(lightness, a, b float64) colour {
	l := lightness + 0.3963377774*a + 0.2158037573*b
	m := lightness - 0.1055613458*a - 0.0638541728*b
	s := lightness - 0.0894841775*a - 1.2914855480*b
	l, m, s = l*l*l, m*m*m, s*s*s
	encode := func(v float64) uint8 { return uint8(255*encodeSRGB(unit(v)) + 0.5) }
	return colour{
		encode(4.0767416621*l - 3.3077115913*m + 0.2309699292*s),
		encode(-1.2684380046*l + 2.6097574011*m - 0.3413193965*s),
		encode(-0.0041960863*l - 0.7034186147*m + 1.7076147010*s),
	}
}
