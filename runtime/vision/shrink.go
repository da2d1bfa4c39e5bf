package vision

import (
	"fmt"
	"image"
)

// wholePixels is the most pixels of a JPEG that are looked at one by one; of a
// larger one squares of 4, 16 or 64 are averaged. What a picture takes in memory is
// bounded so, at 16 to 50 MB, and the networks see no difference to speak of: what
// they are shown has a megapixel or so.
//
// Below it every pixel counts. The networks were trained and are measured on
// pictures resized without averaging, and a score of 0.6 can become 0.3 where a
// picture of 12 megapixels is averaged first.
const wholePixels = 16 << 20

// shrinkage is how many pixels of the stored picture, side by side, are averaged
// into one: 1, 2, 4 or 8. It depends on the picture alone, so that all decoders show
// the networks the same.
func (f format) shrinkage(head header) int {
	if f.name != "jpeg" {
		return 1
	}
	shrink := 1
	for pixels := int64(head.width) * int64(head.height); pixels > wholePixels && shrink < 8; pixels /= 4 {
		shrink *= 2
	}
	return shrink
}

// origin is the encoded picture behind one that was shrunk: whoever draws on it
// wants all of it.
type origin struct {
	data   []byte
	head   header
	limits Limits
}

// whole is the picture with all of its pixels: p itself, where it has them.
func (p *Picture) whole() (*Picture, error) {
	if p.shrink <= 1 {
		return p, nil
	}
	f, _ := sniff(p.origin.data)
	whole, err := f.read(p.origin.data, p.origin.head, 1, p.origin.limits)
	if err != nil {
		return nil, fmt.Errorf("decoding all of a picture that was decoded at 1/%d: %w", p.shrink, err)
	}
	return whole, nil
}

// extent is the picture's stored size in pixels as they were decoded: of a shrunk
// picture, the last ones may lie across its edge.
func (p *Picture) extent() (width, height float64) {
	w, h := p.orientation.upright(p.Width, p.Height)
	by := float64(max(1, p.shrink))
	return float64(w) / by, float64(h) / by
}

// averaged does for image/jpeg what the cosine transform does for decoders that can
// shrink. What JPEGs seldom store it leaves as it is.
func averaged(img image.Image, shrink int) (image.Image, int) {
	if shrink == 1 {
		return img, 1
	}
	size := img.Bounds().Size()
	small := image.Rect(0, 0, (size.X+shrink-1)/shrink, (size.Y+shrink-1)/shrink)
	switch img := img.(type) {
	case *image.Gray:
		into := image.NewGray(small)
		average(into.Pix, into.Stride, img.Pix, img.Stride, size, shrink)
		return into, shrink
	case *image.YCbCr:
		stepX, stepY := subsampling(img.SubsampleRatio)
		chroma := image.Pt((size.X+stepX-1)/stepX, (size.Y+stepY-1)/stepY)
		into := image.NewYCbCr(small, img.SubsampleRatio)
		average(into.Y, into.YStride, img.Y, img.YStride, size, shrink)
		average(into.Cb, into.CStride, img.Cb, img.CStride, chroma, shrink)
		average(into.Cr, into.CStride, img.Cr, img.CStride, chroma, shrink)
		return into, shrink
	}
	return img, 1
}

// average averages squares of shrink by shrink samples of a plane of the given
// size; at the edges, what is there of them.
func average(into []byte, intoStride int, from []byte, stride int, size image.Point, shrink int) {
	sums := make([]int, (size.X+shrink-1)/shrink)
	for top := 0; top < size.Y; top += shrink {
		rows := min(shrink, size.Y-top)
		clear(sums)
		for y := top; y < top+rows; y++ {
			line := from[y*stride:][:size.X]
			for i := range sums {
				for _, v := range line[i*shrink : min((i+1)*shrink, size.X)] {
					sums[i] += int(v)
				}
			}
		}
		row := into[top/shrink*intoStride:]
		for i, sum := range sums {
			n := rows * (min((i+1)*shrink, size.X) - i*shrink)
			row[i] = uint8((sum + n/2) / n)
		}
	}
}
