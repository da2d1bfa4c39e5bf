package vision

import (
	"image"
	"math"
)

// outline draws the rim, width pixels wide, of a rectangle with round corners.
func outline(canvas *image.RGBA, r image.Rectangle, radius, width float64, c colour, alpha float64) {
	round := newRounded(r, radius)
	cover := func(x, y int) float64 {
		d := round.distance(x, y)
		return alpha * unit(0.5-d) * unit(0.5+d+width)
	}
	// Between the corners only the two sides are looked at: a large box has millions
	// of pixels in its middle.
	edge := int(math.Ceil(max(width, round.radius))) + 1
	visible := r.Intersect(canvas.Rect)
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		if y < r.Min.Y+edge || y >= r.Max.Y-edge || r.Dx() <= 2*edge {
			blendRow(canvas, y, visible.Min.X, visible.Max.X, c, cover)
			continue
		}
		blendRow(canvas, y, visible.Min.X, min(visible.Max.X, r.Min.X+edge), c, cover)
		blendRow(canvas, y, max(visible.Min.X, r.Max.X-edge), visible.Max.X, c, cover)
	}
}

// plate fills a rectangle with round corners.
func plate(canvas *image.RGBA, r image.Rectangle, radius float64, c colour) {
	round := newRounded(r, radius)
	cover := func(x, y int) float64 { return unit(0.5 - round.distance(x, y)) }
	visible := r.Intersect(canvas.Rect)
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		blendRow(canvas, y, visible.Min.X, visible.Max.X, c, cover)
	}
}

// blendRow mixes the colour into the pixels from x0 up to x1, each as far as it
// is covered.
func blendRow(canvas *image.RGBA, y, x0, x1 int, c colour, cover func(x, y int) float64) {
	for x := x0; x < x1; x++ {
		covered := cover(x, y)
		if covered <= 0 {
			continue
		}
		pixel := canvas.Pix[canvas.PixOffset(x, y):][:3:3]
		for i, v := range c {
			pixel[i] = uint8(float64(pixel[i])*(1-covered) + float64(v)*covered + 0.5)
		}
	}
}

// rounded is a rectangle with round corners.
type rounded struct {
	x, y, halfWidth, halfHeight, radius float64
}

func newRounded(r image.Rectangle, radius float64) rounded {
	halfWidth, halfHeight := float64(r.Dx())/2, float64(r.Dy())/2
	return rounded{
		x: float64(r.Min.X) + halfWidth, y: float64(r.Min.Y) + halfHeight,
		halfWidth: halfWidth, halfHeight: halfHeight,
		radius: min(radius, halfWidth, halfHeight),
	}
}

// distance of the middle of a pixel from the edge, below zero inside.
func (r rounded) distance(x, y int) float64 {
	dx := math.Abs(float64(x)+0.5-r.x) - r.halfWidth + r.radius
	dy := math.Abs(float64(y)+0.5-r.y) - r.halfHeight + r.radius
	if dx <= 0 || dy <= 0 {
		return max(dx, dy) - r.radius
	}
	return math.Hypot(dx, dy) - r.radius
}
