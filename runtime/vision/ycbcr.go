package vision

import "image"

// matrix converts YCbCr to RGB, its factors in 1/65536.
type matrix struct {
	lumaOffset, luma                int64
	redCr, greenCb, greenCr, blueCb int64
}

// ITU-T T.871 (JFIF) for full range; ITU-R BT.601 for studio range, whose luma
// spans 219 steps from 16 and whose chroma spans 224.
var (
	fullRange   = matrix{0, 65536, 91881, -22554, -46802, 116130}
	studioRange = matrix{16, 76309, 104597, -25675, -53279, 132201}
)

// resizeYCbCr resizes luma and chroma, each from its own resolution, and
// converts the few pixels that come out: converting a picture of 12 megapixels
// first would cost more than decoding it. Both steps are linear, so their order
// does not show but in the last bit. Chroma samples lie in the middle of the
// pixels they are for, as JPEG (JFIF) and lossy WebP have them.
func (p *Picture) resizeYCbCr(img *image.YCbCr, width, height int, s *scratch, row func(int, []uint32)) {
	size := img.Rect.Size()
	stepX, stepY := subsampling(img.SubsampleRatio)
	chromaWidth, chromaHeight := (size.X+stepX-1)/stepX, (size.Y+stepY-1)/stepY
	lumaAt := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y)
	chromaAt := img.COffset(img.Rect.Min.X, img.Rect.Min.Y)

	extentX, extentY := p.extent()
	s.across = taps(s.across, width, extentX, size.X, 1)
	s.down = taps(s.down, height, extentY, size.Y, 1)
	s.chromaAcross = chromaTaps(s.chromaAcross, width, extentX, size.X, chromaWidth, stepX)
	s.chromaDown = chromaTaps(s.chromaDown, height, extentY, size.Y, chromaHeight, stepY)
	s.luma.reset(width)
	s.chroma.reset(width)
	s.line = resized(s.line, width)
	s.chromaLine = resized(s.chromaLine, width)

	lumaAcross := func(y int, into []uint32) {
		stored := img.Y[lumaAt+y*img.YStride:][:size.X]
		for i, t := range s.across[:len(into)] {
			lo, hi := uint32(stored[t.lo]), uint32(stored[t.hi])
			into[i] = lo<<weightBits + (hi-lo)*t.weight
		}
	}
	chromaAcross := func(y int, into []uint64) {
		cb := img.Cb[chromaAt+y*img.CStride:][:chromaWidth]
		cr := img.Cr[chromaAt+y*img.CStride:][:chromaWidth]
		for i := range s.chromaAcross[:len(into)] {
			t := &s.chromaAcross[i]
			// Cb and Cr share one multiplication, 32 bits each.
			a := uint64(cb[t.at[0]]) | uint64(cr[t.at[0]])<<32
			b := uint64(cb[t.at[1]]) | uint64(cr[t.at[1]])<<32
			c := uint64(cb[t.at[2]]) | uint64(cr[t.at[2]])<<32
			into[i] = a*uint64(t.weight[0]) + b*uint64(t.weight[1]) + c*uint64(t.weight[2])
		}
	}
	m := fullRange
	if p.studio {
		m = studioRange
	}
	for y := range height {
		down, chromaDown := s.down[y], &s.chromaDown[y]
		luma0, luma1 := s.luma.pair(down.lo, down.hi, lumaAcross)
		above, chroma, below := s.chroma.of(chromaDown, chromaAcross)
		blendChroma(s.chromaLine, above, chroma, below, &chromaDown.weight)
		m.convert(s.line, luma0, luma1, down.weight, s.chromaLine)
		row(y, s.line)
	}
}

// blendChroma blends three rows of chroma into one.
func blendChroma(line, above, row, below []uint64, weight *[3]uint32) {
	above, row, below = above[:len(line)], row[:len(line)], below[:len(line)]
	a, b, c := uint64(weight[0]), uint64(weight[1]), uint64(weight[2])
	if a == 0 { // as it is for half of them
		for i := range line {
			line[i] = row[i]*b + below[i]*c
		}
		return
	}
	for i := range line {
		line[i] = above[i]*a + row[i]*b + below[i]*c
	}
}

// convert blends two rows of luma and makes one of colours of it and of chroma.
func (m *matrix) convert(line, luma0, luma1 []uint32, weight uint32, chroma []uint64) {
	const (
		shift  = 2 * weightBits
		middle = 128 << shift
	)
	var (
		luma, offset     = m.luma, m.lumaOffset << shift
		redCr, blueCb    = m.redCr, m.blueCb
		greenCb, greenCr = m.greenCb, m.greenCr
	)
	luma0, luma1 = luma0[:len(line)], luma1[:len(line)]
	chroma = chroma[:len(line)]
	for i := range line {
		y := int64(luma0[i])<<weightBits + (int64(luma1[i])-int64(luma0[i]))*int64(weight)
		c := chroma[i]
		cb, cr := int64(uint32(c))-middle, int64(c>>32)-middle

		y = (y-offset)*luma + half<<16
		red := (y + cr*redCr) >> (shift + 16)
		green := (y + cb*greenCb + cr*greenCr) >> (shift + 16)
		blue := (y + cb*blueCb) >> (shift + 16)
		if uint64(red|green|blue) > 255 {
			red, green, blue = min(max(red, 0), 255), min(max(green, 0), 255), min(max(blue, 0), 255)
		}
		line[i] = uint32(red) | uint32(green)<<8 | uint32(blue)<<16
	}
}

func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	default:
		return 1, 1
	}
}
