package vision

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"

	"github.com/seed45885407/saccade/functions"
)

// drawnQuality is the quality of an annotated JPEG.
const drawnQuality = 90

// Draw returns the upright picture with a box and a label for each detection,
// encoded as format, png or jpeg. The detections come best first; better ones are
// drawn over worse ones.
func Draw(p *Picture, detections []functions.Detection, format string) ([]byte, error) {
	if format != "png" && format != "jpeg" {
		return nil, functions.Errorf(functions.Invalid, "a picture is drawn as png or jpeg, not as %q", format)
	}
	whole, err := p.whole()
	if err != nil {
		return nil, fmt.Errorf("drawing: %w", err)
	}
	canvas := whole.upright()
	if whole != p {
		whole.Release()
	}
	if err := annotate(canvas, detections); err != nil {
		return nil, fmt.Errorf("drawing: %w", err)
	}
	var out bytes.Buffer
	if format == "png" {
		// The caller waits for the reply: a third larger, three times as fast.
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, canvas)
	} else {
		err = jpeg.Encode(&out, canvas, &jpeg.Options{Quality: drawnQuality})
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the drawn picture: %w", err)
	}
	return out.Bytes(), nil
}

// annotate draws the boxes, then the labels, so that no box crosses a label.
func annotate(canvas *image.RGBA, detections []functions.Detection) error {
	pen := newPen(canvas.Rect)
	labels, err := newLabels(canvas.Rect, pen)
	if err != nil {
		return err
	}
	defer labels.close()

	placed := make([]label, len(detections))
	for i, d := range detections {
		placed[i] = labels.place(d, pen.frame(d.Box))
	}
	for i := range detections {
		d := detections[len(detections)-1-i]
		pen.box(canvas, pen.frame(d.Box), classColour(d.ClassID))
	}
	for i := range placed {
		labels.draw(canvas, placed[len(placed)-1-i])
	}
	return nil
}

// pen is how thick and how large things are, in proportion to the picture.
type pen struct {
	picture image.Rectangle
	// width is the boxes' line width, text the labels' font size, radius that of the
	// corners; all in pixels.
	width, text, radius float64
}

func newPen(picture image.Rectangle) pen {
	side := float64(picture.Dx()+picture.Dy()) / 2
	width := max(2, math.Round(side/300))
	return pen{picture: picture, width: width, text: max(11, side/50), radius: 2.5 * width}
}

// frame is the box in whole pixels, its lines within the picture.
func (p pen) frame(b functions.Box) image.Rectangle {
	whole := func(v float32, limit int) int {
		return int(math.Round(float64(min(max(v, 0), float32(limit)))))
	}
	width, height := p.picture.Dx(), p.picture.Dy()
	return image.Rect(whole(b.X1, width), whole(b.Y1, height), whole(b.X2, width), whole(b.Y2, height))
}

// box draws the frame: a dark rim, so that the line shows on any ground, and the
// line itself.
func (p pen) box(canvas *image.RGBA, frame image.Rectangle, c colour) {
	rim := math.Max(1, p.width/3)
	outline(canvas, frame.Inset(-int(rim)), p.radius+rim, p.width+2*rim, black, 0.3)
	outline(canvas, frame, p.radius, p.width, c, 1)
}
