package vision

import "image"

// upright is the whole picture as it is to be looked at, opaque.
func (p *Picture) upright() *image.RGBA {
	whole := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	p.paint(whole)
	return whole
}

// paint writes the upright picture over dst, which has its size.
func (p *Picture) paint(dst *image.RGBA) {
	origin, column, row := p.orientation.steps(4*p.Width-3, p.Height, dst.Stride)
	if p.orientation.turned() {
		row *= 4
	} else {
		column *= 4
	}
	width, height := p.orientation.upright(p.Width, p.Height)
	p.resize(width, height, new(scratch), func(y int, colours []uint32) {
		at := origin + y*row
		for _, c := range colours {
			pixel := dst.Pix[at : at+4 : at+4]
			pixel[0], pixel[1], pixel[2], pixel[3] = uint8(c), uint8(c>>8), uint8(c>>16), 0xff
			at += column
		}
	})
}
