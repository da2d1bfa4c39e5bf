package vision

import "sync"

// bandRows is how many values of a turned picture are written side by side: two
// cache lines of them.
const bandRows = 32

// Layout says how a network wants its picture: a tensor [1, 3, Size, Size] of
// float32 (NCHW), each value a colour byte over Divisor.
type Layout struct {
	// Size is the side of the square in pixels.
	Size int
	// Place is where in the square the picture goes.
	Place Place
	// Pad is the colour byte around the picture, the same in all three channels.
	Pad uint8
	// BGR puts blue first, where RGB is usual.
	BGR bool
	// Divisor scales the bytes 0..255: 255 for values up to 1, 1 for bytes as they
	// are.
	Divisor float64
}

// Input turns pictures into the input of one network. It is safe for use by
// several goroutines and reuses their scratch memory.
type Input struct {
	layout  Layout
	values  [256]float32
	scratch sync.Pool // of *scratch
}

// NewInput prepares for pictures laid out as l.
func NewInput(l Layout) *Input {
	in := &Input{layout: l, scratch: sync.Pool{New: func() any { return new(scratch) }}}
	for v := range in.values {
		in.values[v] = float32(float64(v) / l.Divisor)
	}
	return in
}

// Len is the number of values of the tensor.
func (in *Input) Len() int { return 3 * in.layout.Size * in.layout.Size }

// Fill writes the picture into tensor, which has Len values, and returns where
// it put it. The resize is bilinear with half-pixel centres and no antialias, as
// the networks were trained and exported with, and rounds to whole colours.
func (in *Input) Fill(tensor []float32, p *Picture) Letterbox {
	size := in.layout.Size
	box := NewLetterbox(p.Picture, size, in.layout.Place)
	in.pad(tensor[:in.Len()], box)

	area := size * size
	origin, column, row := p.orientation.steps(box.Width, box.Height, size)
	origin += box.PadY*size + box.PadX
	red, green, blue := tensor[:area], tensor[area:2*area], tensor[2*area:3*area]
	if in.layout.BGR {
		red, blue = blue, red
	}

	s := in.scratch.Get().(*scratch)
	defer in.scratch.Put(s)
	width, height := p.orientation.upright(box.Width, box.Height)
	write := func(at, step int, colours []uint32) {
		for _, c := range colours {
			red[at] = in.values[uint8(c)]
			green[at] = in.values[uint8(c>>8)]
			blue[at] = in.values[uint8(c>>16)]
			at += step
		}
	}
	if !p.orientation.turned() {
		p.resize(width, height, s, func(y int, colours []uint32) { write(origin+y*row, column, colours) })
		return box
	}
	// Stored rows are columns of the tensor. Written one by one each value would
	// touch a cache line of its own, so a band of them is written across.
	s.band = resized(s.band, bandRows*width)
	p.resize(width, height, s, func(y int, colours []uint32) {
		inBand := y % bandRows
		for x, c := range colours {
			s.band[x*bandRows+inBand] = c
		}
		if inBand < bandRows-1 && y < height-1 {
			return
		}
		for x := range width {
			write(origin+(y-inBand)*row+x*column, row, s.band[x*bandRows:][:inBand+1])
		}
	})
	return box
}

// pad fills what lies around the picture.
func (in *Input) pad(tensor []float32, box Letterbox) {
	size := in.layout.Size
	value := in.values[in.layout.Pad]
	for channel := range 3 {
		plane := tensor[channel*size*size : (channel+1)*size*size]
		top, bottom := box.PadY*size, (box.PadY+box.Height)*size
		fill(plane[:top], value)
		fill(plane[bottom:], value)
		for at := top; at < bottom; at += size {
			fill(plane[at:at+box.PadX], value)
			fill(plane[at+box.PadX+box.Width:at+size], value)
		}
	}
}

func fill(values []float32, value float32) {
	for i := range values {
		values[i] = value
	}
}
