package vision

import (
	"image"
	"image/color"
)

// Colours are packed into one word while they are resized across: red in the
// low lane, then green, then blue, 21 bits each. A lane holds a byte times a
// weight, so that one multiplication serves three channels.
const (
	laneBits = 21
	lane     = 1<<laneBits - 1
	allLanes = 1 | 1<<laneBits | 1<<(2*laneBits)
)

func packed(r, g, b uint8) uint64 {
	return uint64(r) | uint64(g)<<laneBits | uint64(b)<<(2*laneBits)
}

// gather reads the stored row y at the given columns.
type gather func(into []uint64, y int, columns []int32)

// resizeColours resizes a picture that stores whole colours. Of each row needed
// it reads only the columns needed.
func (p *Picture) resizeColours(width, height int, s *scratch, row func(int, []uint32)) {
	size := p.pixels.Bounds().Size()
	extentX, extentY := p.extent()
	s.across = taps(s.across, width, extentX, size.X, 1)
	s.down = taps(s.down, height, extentY, size.Y, 1)
	s.columns = s.columns[:0]
	for i := range s.across {
		t := &s.across[i]
		t.lo, t.hi = s.column(t.lo), s.column(t.hi)
	}
	s.gathered = resized(s.gathered, len(s.columns))
	s.colours.reset(width)
	s.line = resized(s.line, width)

	read := gatherer(p.pixels)
	across := func(y int, into []uint64) {
		read(s.gathered, y, s.columns)
		for i, t := range s.across[:len(into)] {
			into[i] = s.gathered[t.lo]*uint64(one-t.weight) + s.gathered[t.hi]*uint64(t.weight)
		}
	}
	for y := range height {
		down := s.down[y]
		above, below := s.colours.pair(down.lo, down.hi, across)
		blend(s.line, above, below, uint64(down.weight))
		row(y, s.line)
	}
}

// column is the place of a stored column among the gathered ones. Columns come
// in rising order, but for the one or two just asked for.
func (s *scratch) column(x int32) int32 {
	for i := len(s.columns) - 1; i >= max(0, len(s.columns)-2); i-- {
		if s.columns[i] == x {
			return int32(i)
		}
	}
	s.columns = append(s.columns, x)
	return int32(len(s.columns) - 1)
}

func blend(line []uint32, above, below []uint64, weight uint64) {
	const shift = 2 * weightBits
	above, below = above[:len(line)], below[:len(line)]
	rest := one - weight
	for i := range line {
		a, b := above[i], below[i]
		red := ((a&lane)*rest + (b&lane)*weight + half) >> shift
		green := ((a>>laneBits&lane)*rest + (b>>laneBits&lane)*weight + half) >> shift
		blue := ((a>>(2*laneBits))*rest + (b>>(2*laneBits))*weight + half) >> shift
		line[i] = uint32(red | green<<8 | blue<<16)
	}
}

// gatherer knows how each kind of image stores its colours. Alpha is dropped,
// not composited: what lies under transparent pixels is the colour.
func gatherer(img image.Image) gather {
	switch img := img.(type) {
	case *image.NRGBA:
		return gatherSamples(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 1)
	case *image.RGBA: // always opaque here
		return gatherSamples(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 1)
	case *image.NRGBA64:
		return gatherSamples(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 2)
	case *image.RGBA64: // always opaque here
		return gatherSamples(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 2)
	case *image.Gray:
		return gatherGrey(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 1)
	case *image.Gray16:
		return gatherGrey(img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):], img.Stride, 2)
	case *image.CMYK:
		pix := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):]
		return func(into []uint64, y int, columns []int32) {
			stored := pix[y*img.Stride:]
			for i, x := range columns {
				p := stored[4*x:][:4:4]
				into[i] = packed(color.CMYKToRGB(p[0], p[1], p[2], p[3]))
			}
		}
	case *image.YCbCr: // of full chroma
		return gatherYCbCr(img)
	case *image.Paletted:
		var palette [256]uint64
		for i, c := range img.Palette[:min(len(img.Palette), len(palette))] {
			palette[i] = straight(c)
		}
		pix := img.Pix[img.PixOffset(img.Rect.Min.X, img.Rect.Min.Y):]
		return func(into []uint64, y int, columns []int32) {
			stored := pix[y*img.Stride:]
			for i, x := range columns {
				into[i] = palette[stored[x]]
			}
		}
	default: // what no decoder here makes
		corner := img.Bounds().Min
		return func(into []uint64, y int, columns []int32) {
			for i, x := range columns {
				into[i] = straight(img.At(corner.X+int(x), corner.Y+y))
			}
		}
	}
}

// gatherSamples reads red, green, blue and alpha, each of one byte or of two with
// the high one first, which is enough of it.
func gatherSamples(pix []uint8, stride, bytes int) gather {
	return func(into []uint64, y int, columns []int32) {
		stored := pix[y*stride:]
		into = into[:len(columns)]
		if bytes == 1 {
			for i, x := range columns {
				p := stored[4*x:][:3:3]
				into[i] = packed(p[0], p[1], p[2])
			}
			return
		}
		for i, x := range columns {
			p := stored[8*x:][:6:6]
			into[i] = packed(p[0], p[2], p[4])
		}
	}
}

// gatherGrey reads one sample a pixel for all three channels.
func gatherGrey(pix []uint8, stride, bytes int) gather {
	return func(into []uint64, y int, columns []int32) {
		stored := pix[y*stride:]
		for i, x := range columns {
			into[i] = uint64(stored[int(x)*bytes]) * allLanes
		}
	}
}

// straight is the colour without its alpha.
func straight(c color.Color) uint64 {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return packed(n.R, n.G, n.B)
}
