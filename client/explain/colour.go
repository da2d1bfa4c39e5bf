package explain

import (
	"image/color"
	"math"
)

// Heat is the colour of a value from 0, nearly black violet, over red and orange to 1,
// pale yellow. Steps of one size look of one size: lightness grows evenly with the
// value in Oklab, so that the scale can be read in grey and by the colour-blind too.
// The path of its hues is that of matplotlib's inferno (N. J. Smith and S. van der
// Walt, 2015).
func Heat(v float64) color.RGBA {
	v = min(max(v, 0), 1)
	lightness := 0.14 + 0.83*v
	hue := (290 + 185*math.Pow(v, 0.9)) * math.Pi / 180 // violet, 290 degrees, to yellow, 115 beyond a whole turn
	chroma := 0.75 * mostChroma(lightness, hue)
	return oklab(lightness, chroma*math.Cos(hue), chroma*math.Sin(hue))
}

// oklab is a colour of Oklab in sRGB. Source: B. Ottosson, A perceptual color space for
// image processing (2020).
func oklab(lightness, a, b float64) color.RGBA {
	r, g, bl := linear(lightness, a, b)
	return color.RGBA{encoded(r), encoded(g), encoded(bl), 0xff}
}

// linear are red, green and blue before the curve of sRGB; they lie outside 0 to 1
// where no screen can show the colour.
func linear(lightness, a, b float64) (red, green, blue float64) {
	cube := func(v float64) float64 { return v * v * v }
	l := cube(lightness + 0.3963377774*a + 0.2158037573*b)
	m := cube(lightness - 0.1055613458*a - 0.0638541728*b)
	s := cube(lightness - 0.0894841775*a - 1.2914855480*b)
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

// encoded is the byte of sRGB (IEC 61966-2-1).
func encoded(v float64) uint8 {
	v = min(max(v, 0), 1)
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(v*255 + 0.5)
}

// mostChroma is the strongest colour of a lightness and hue that a screen can show.
func mostChroma(lightness, hue float64) float64 {
	least, most := 0., 0.4
	for range 20 {
		middle := (least + most) / 2
		r, g, b := linear(lightness, middle*math.Cos(hue), middle*math.Sin(hue))
		if min(r, g, b) >= 0 && max(r, g, b) <= 1 {
			least = middle
		} else {
			most = middle
		}
	}
	return least
}
