package vision

import (
	"math"

	"github.com/seed45885407/saccade/functions"
)

// Letterbox is where a picture lies in the square a network looks at.
type Letterbox struct {
	// ScaleX and ScaleY are pixels of the square for one pixel of the picture; but
	// for Stretched they are the same.
	ScaleX, ScaleY float64
	// PadX and PadY are the square's pixels left of the picture and above it.
	PadX, PadY int
	// Width and Height are the picture's size within the square, at least 1.
	Width, Height int

	picture functions.Picture
}

// Place says where in the square the picture goes.
type Place int

const (
	// Centred rounds the size and shares the padding between both sides, as
	// Ultralytics' LetterBox does: the odd pixel goes right and below.
	Centred Place = iota
	// TopLeft truncates the size and pads right and below, as YOLOX's preproc does.
	TopLeft
	// Stretched fills the square and keeps no proportions, as DETR networks do.
	Stretched
)

// NewLetterbox fits a picture into a square of size pixels a side.
func NewLetterbox(picture functions.Picture, size int, place Place) Letterbox {
	w, h, s := float64(picture.Width), float64(picture.Height), float64(size)
	if place == Stretched {
		return Letterbox{ScaleX: s / w, ScaleY: s / h, Width: size, Height: size, picture: picture}
	}
	scale := min(s/w, s/h)
	fit := math.Round
	if place == TopLeft {
		fit = math.Trunc
	}
	box := Letterbox{
		ScaleX:  scale,
		ScaleY:  scale,
		Width:   min(size, max(1, int(fit(w*scale)))),
		Height:  min(size, max(1, int(fit(h*scale)))),
		picture: picture,
	}
	if place == Centred {
		box.PadX = int(math.Round(float64(size-box.Width)/2 - 0.1))
		box.PadY = int(math.Round(float64(size-box.Height)/2 - 0.1))
	}
	return box
}

// Undo takes a box from the square's pixels back to the upright picture's,
// clipped to the picture.
func (l Letterbox) Undo(box functions.Box) functions.Box {
	back := func(v float32, pad int, scale float64) float32 {
		return float32((float64(v) - float64(pad)) / scale)
	}
	return l.Clip(functions.Box{
		X1: back(box.X1, l.PadX, l.ScaleX),
		Y1: back(box.Y1, l.PadY, l.ScaleY),
		X2: back(box.X2, l.PadX, l.ScaleX),
		Y2: back(box.Y2, l.PadY, l.ScaleY),
	})
}

// Clip cuts off what of a box, in the upright picture's pixels, lies outside it.
func (l Letterbox) Clip(box functions.Box) functions.Box {
	within := func(v float32, limit int) float32 { return min(max(v, 0), float32(limit)) }
	return functions.Box{
		X1: within(box.X1, l.picture.Width),
		Y1: within(box.Y1, l.picture.Height),
		X2: within(box.X2, l.picture.Width),
		Y2: within(box.Y2, l.picture.Height),
	}
}
