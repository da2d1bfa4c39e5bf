package vision

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/seed45885407/saccade/functions"
)

// maxLabelRunes bounds how much of a class name is drawn.
const maxLabelRunes = 40

// labels writes what the boxes are of, and keeps the writings apart.
type labels struct {
	picture          image.Rectangle
	pen              pen
	face             font.Face
	ascent, descent  int
	marginX, marginY int
	taken            []image.Rectangle
}

// label is one writing in its place.
type label struct {
	text   string
	plate  image.Rectangle
	colour colour
}

func newLabels(picture image.Rectangle, p pen) (*labels, error) {
	parsed, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("parsing the font: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: p.text, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("sizing the font: %w", err)
	}
	metrics := face.Metrics()
	return &labels{
		picture: picture, pen: p, face: face,
		ascent: metrics.Ascent.Ceil(), descent: metrics.Descent.Ceil(),
		marginX: int(math.Round(p.text * 0.35)), marginY: int(math.Round(p.text * 0.12)),
	}, nil
}

func (l *labels) close() { _ = l.face.Close() } // it holds nothing but memory

// place finds room for a detection's label: on the box, else within its top,
// else further right, down, or under it; where all that is taken, on the box all
// the same. It never leaves the picture, unless it is larger than that.
func (l *labels) place(d functions.Detection, frame image.Rectangle) label {
	name := []rune(d.Class)
	if len(name) > maxLabelRunes {
		name = append(name[:maxLabelRunes-1], '…')
	}
	text := fmt.Sprintf("%s %.2f", string(name), d.Score)
	size := image.Pt(
		font.MeasureString(l.face, text).Ceil()+2*l.marginX,
		l.ascent+l.descent+2*l.marginY,
	)
	plate := l.plate(frame.Min.Sub(image.Pt(0, size.Y-int(l.pen.width))), size)
	for _, at := range l.places(frame, size) {
		if candidate := l.plate(at, size); candidate.Min.Y == at.Y && !l.overlaps(candidate) {
			plate = candidate
			break
		}
	}
	l.taken = append(l.taken, plate)
	return label{text: text, plate: plate, colour: classColour(d.ClassID)}
}

// places are where a label may go, best first.
func (l *labels) places(frame image.Rectangle, size image.Point) []image.Point {
	line := int(l.pen.width)
	left, right := frame.Min.X, frame.Max.X-size.X
	above, top := frame.Min.Y-size.Y+line, frame.Min.Y
	return []image.Point{
		{left, above},
		{left, top},
		{right, above},
		{right, top},
		{left, top + size.Y},
		{left, frame.Max.Y - line},
	}
}

// plate is where a label lands that is wanted at a point: moved into the picture,
// where its beginning matters most.
func (l *labels) plate(at, size image.Point) image.Rectangle {
	at.X = max(l.picture.Min.X, min(at.X, l.picture.Max.X-size.X))
	at.Y = max(l.picture.Min.Y, min(at.Y, l.picture.Max.Y-size.Y))
	return image.Rectangle{Min: at, Max: at.Add(size)}
}

func (l *labels) overlaps(plate image.Rectangle) bool {
	for _, t := range l.taken {
		if t.Overlaps(plate) {
			return true
		}
	}
	return false
}

func (l *labels) draw(canvas *image.RGBA, w label) {
	plate(canvas, w.plate, l.pen.radius, w.colour)
	writer := font.Drawer{
		Dst:  canvas,
		Src:  image.NewUniform(w.colour.ink().opaque()),
		Face: l.face,
		Dot:  fixed.P(w.plate.Min.X+l.marginX, w.plate.Min.Y+l.marginY+l.ascent),
	}
	writer.DrawString(w.text)
}
