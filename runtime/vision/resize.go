package vision

import "image"

// Bilinear weights are fractions of 1<<weightBits: across and down, 8+11+11 bits
// fit a 32-bit lane, and the error of a weight moves no colour by more than 0.13.
const (
	weightBits = 11
	one        = 1 << weightBits
	half       = 1 << (2*weightBits - 1)
)

// tap is what one resized sample is made of: the stored samples lo and hi, the
// second with weight hi/one, the first with the rest.
type tap struct {
	lo, hi int32
	weight uint32
}

// taps maps n resized samples onto the samples of a plane. The plane's axis has
// length stored samples, each spanning step pixels of the picture's extent.
func taps(into []tap, n int, extent float64, length, step int) []tap {
	into = resized(into, n)
	scale := extent / float64(n)
	for i := range into {
		into[i] = tapAt(i, scale/float64(step), length)
	}
	return into
}

// tapAt is the tap of resized sample i, where scale stored samples make one.
func tapAt(i int, scale float64, length int) tap {
	// Half-pixel centres: the middle of a resized pixel, in stored samples.
	at := min(max((float64(i)+0.5)*scale-0.5, 0), float64(length-1))
	lo := int32(at)
	return tap{lo: lo, hi: min(lo+1, int32(length-1)), weight: uint32((at-float64(lo))*one + 0.5)}
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// scratch is the memory of one resize, kept from picture to picture.
type scratch struct {
	across, down             []tap // of luma, or of whole colours
	chromaAcross, chromaDown []chromaTap
	luma                     rows[uint32]
	chroma                   threeRows
	colours                  rows[uint64]
	columns                  []int32
	gathered                 []uint64
	line, band               []uint32
	chromaLine               []uint64
}

// rows keeps the two stored rows last resized across: enlarging, most resized
// rows lie between the same two.
type rows[T any] struct {
	at     [2]int32
	values [2][]T
}

func (r *rows[T]) reset(n int) {
	for i := range r.values {
		r.at[i] = -1
		r.values[i] = resized(r.values[i], n)
	}
}

// pair returns the rows lo and hi, made by across where they are not there yet.
func (r *rows[T]) pair(lo, hi int32, across func(y int, into []T)) (a, b []T) {
	if r.at[1] == lo || r.at[0] == hi && r.at[0] != lo {
		r.at[0], r.at[1] = r.at[1], r.at[0]
		r.values[0], r.values[1] = r.values[1], r.values[0]
	}
	if r.at[0] != lo {
		across(int(lo), r.values[0])
		r.at[0] = lo
	}
	if lo == hi {
		return r.values[0], r.values[0]
	}
	if r.at[1] != hi {
		across(int(hi), r.values[1])
		r.at[1] = hi
	}
	return r.values[0], r.values[1]
}

// resize makes the picture width by height in its stored orientation and hands
// over row by row, top first: colours has red in bits 0..7, green in 8..15 and
// blue in 16..23, and is only valid within the call.
func (p *Picture) resize(width, height int, s *scratch, row func(y int, colours []uint32)) {
	if p.profile != nil {
		plain := row
		row = func(y int, colours []uint32) {
			p.profile.convert(colours)
			plain(y, colours)
		}
	}
	if img, is := p.pixels.(*image.YCbCr); is && (p.studio || !fullChroma(img)) {
		p.resizeYCbCr(img, width, height, s, row)
		return
	}
	p.resizeColours(width, height, s, row)
}
