package vision

import (
	"image"
	"sync"
)

// Planar decodes JPEGs to the planes they store, which package turbo does several
// times as fast as image/jpeg. It is used by several goroutines at once.
type Planar interface {
	// Decode decodes a JPEG of the given size to 1/shrink of it, rounded up; shrink is
	// 1, 2, 4 or 8. It writes the planes in the memory they have, where that is enough.
	// Cb and Cr of a grey JPEG are empty. An error means no more than that image/jpeg
	// is to decode the JPEG, or to refuse it.
	Decode(planes *image.YCbCr, data []byte, size image.Point, shrink int) error
}

// JPEG decodes JPEGs with a [Planar] decoder, and keeps the memory of pictures that
// were released for the next ones. It is safe for use by several goroutines.
type JPEG struct {
	planar Planar
	spare  sync.Pool // of *image.YCbCr
}

// NewJPEG makes a JPEG.
func NewJPEG(planar Planar) *JPEG {
	return &JPEG{planar: planar, spare: sync.Pool{New: func() any { return new(image.YCbCr) }}}
}

// planes is nil where j is, and for everything that image/jpeg must look at.
func (j *JPEG) planes(f format, data []byte, head header, shrink int) *image.YCbCr {
	if j == nil || f.name != "jpeg" || jpegWorth(data, head) != nil {
		return nil
	}
	planes := j.spare.Get().(*image.YCbCr)
	if err := j.planar.Decode(planes, data, image.Pt(head.width, head.height), shrink); err != nil {
		j.spare.Put(planes)
		return nil
	}
	return planes
}

// pixelsOf are the planes as the image they are.
func pixelsOf(planes *image.YCbCr) image.Image {
	if len(planes.Cb) == 0 {
		return &image.Gray{Pix: planes.Y, Stride: planes.YStride, Rect: planes.Rect}
	}
	return planes
}

// Release ends the use of the picture: the memory of its pixels may serve the next
// one. Without it they are left to the garbage collector.
func (p *Picture) Release() {
	if p.lent != nil {
		p.origin.limits.JPEG.spare.Put(p.lent)
	}
	p.pixels, p.lent, p.origin = nil, nil, origin{}
}
