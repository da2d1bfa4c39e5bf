package explain

import (
	"image"
	"image/color"
	"slices"
)

// Paint is the picture with the map over it: grey and dim where nothing of the
// detection rests on it, glowing where most of it does. The picture may have another
// size than the map.
func (e Explanation) Paint(picture *image.RGBA) *image.RGBA {
	cold, hot := e.Map.span()
	var table [256]color.RGBA
	for i := range table {
		table[i] = Heat(float64(i) / 255)
	}
	size := picture.Rect.Size()
	painted := image.NewRGBA(image.Rectangle{Max: size})
	scaleX, scaleY := float64(e.Map.Width)/float64(size.X), float64(e.Map.Height)/float64(size.Y)
	for y := range size.Y {
		from, to := picture.Pix[y*picture.Stride:], painted.Pix[y*painted.Stride:]
		for x := range size.X {
			v := e.Map.at((float64(x)+0.5)*scaleX-0.5, (float64(y)+0.5)*scaleY-0.5)
			glow := min(max((v-cold)/(hot-cold), 0), 1)
			blend(to[4*x:][:4:4], from[4*x:][:4:4], table[int(glow*255+0.5)], glow)
		}
	}
	return painted
}

// How a pixel is painted: what is left of its colour and light where it is cold, and
// how much of the heat's colour covers it where it is hottest.
const (
	coldColour = 0.35
	coldLight  = 0.7
	mostHeat   = 0.72
)

func blend(to, from []uint8, heat color.RGBA, glow float64) {
	grey := 0.299*float64(from[0]) + 0.587*float64(from[1]) + 0.114*float64(from[2])
	cover := mostHeat * glow * (2 - glow)
	colour, light := coldColour+(1-coldColour)*glow, coldLight+(1-coldLight)*glow
	for i, h := range [3]uint8{heat.R, heat.G, heat.B} {
		base := (grey + (float64(from[i])-grey)*colour) * light
		to[i] = uint8(base*(1-cover) + float64(h)*cover + 0.5)
	}
	to[3] = 0xff
}

// span is what is painted cold, the map's median, and hot, its hottest: half of the
// picture is left alone.
func (m Map) span() (cold, hot float64) {
	sorted := slices.Clone(m.Values)
	slices.Sort(sorted)
	cold, hot = float64(sorted[len(sorted)/2]), float64(sorted[len(sorted)-1])
	if hot <= cold {
		hot = cold + 1 // nothing is hotter than anything else
	}
	return cold, hot
}

// at is the map between its pixels.
func (m Map) at(x, y float64) float64 {
	x, y = min(max(x, 0), float64(m.Width-1)), min(max(y, 0), float64(m.Height-1))
	left, top := int(x), int(y)
	right, bottom := min(left+1, m.Width-1), min(top+1, m.Height-1)
	across := func(y int) float64 {
		a, b := float64(m.Values[y*m.Width+left]), float64(m.Values[y*m.Width+right])
		return a + (x-float64(left))*(b-a)
	}
	upper := across(top)
	return upper + (y-float64(top))*(across(bottom)-upper)
}
