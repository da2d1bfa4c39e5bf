package vision

import (
	"image"
	"image/draw"

	"github.com/seed45885407/saccade/functions"
)

// onCanvas is the first frame itself where it covers the canvas that head
// describes, else the frame in its place on black. The caller knows that it lies
// on the canvas.
func onCanvas(first image.Image, at image.Point, head header) image.Image {
	canvas := image.Rect(0, 0, head.width, head.height)
	size := first.Bounds().Size()
	if size == canvas.Size() {
		return first
	}
	whole := image.NewRGBA(canvas)
	draw.Draw(whole, canvas, image.Black, image.Point{}, draw.Src)
	part := &Picture{
		Picture:     functions.Picture{Width: size.X, Height: size.Y},
		pixels:      first,
		orientation: 1,
		studio:      true, // of GIF and WebP, WebP alone stores YCbCr
	}
	part.paint(whole.SubImage(image.Rectangle{Min: at, Max: at.Add(size)}).(*image.RGBA))
	return whole
}
