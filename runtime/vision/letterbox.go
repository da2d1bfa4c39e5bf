package vision

import (
	"math"

	"github.com/seed45885407/saccade/functions"
)

// Letterbox is where a picture lies in the square a network looks at.
type Letterbox struct {
	// Scale is pixels of the square for one pixel of the picture.
	Scale float64
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
)

// NewLetterbox fits a picture into a square of size pixels a side.
func NewLetterbox(picture functions.Picture, size int, place Place) Letterbox {
	w, h, s := float64(picture.Width), float64(picture.Height), float64(size)
	scale := min(s/w, s/h)
	fit := math.Round
	if place == TopLeft {
		fit = math.Trunc
	}
	box := Letterbox{
		Scale:   scale,
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
	back := func(v float32, pad, limit int) float32 {
		v = float32((float64(v) - float64(pad)) / l.Scale)
		return min(max(v, 0), float32(limit))
	}
	return functions.Box{
		X1: back(box.X1, l.PadX, l.picture.Width),
		Y1: back(box.Y1, l.PadY, l.picture.Height),
		X2: back(box.X2, l.PadX, l.picture.Width),
		Y2: back(box.Y2, l.PadY, l.picture.Height),
	}
}
