package vision

import (
	"errors"
	"fmt"

	"github.com/seed45885407/saccade/functions"
)

// A lossless WebP (VP8L; RFC 9649, section 3) may say of each tile of 4x4 pixels and
// more which of up to 65536 groups of five prefix codes its pixels are written in, and
// a code of thousands of symbols can be written in a dozen bytes. A decoder makes tables
// of all of them, before it has a pixel. So they are counted here first, which takes the
// beginning of the stream, and no memory but for the codes of one image.
//
// Where decoders disagree on how to read on, this one refuses, so that what it counts
// is what the next one makes.

const (
	// vp8lMostGroups is the most that golang.org/x/image/vp8l reads, which is the most
	// that libwebp writes.
	vp8lMostGroups = 2600
	// vp8lFreeTables and vp8lTablesPerByte are what tables may take of memory: so much
	// for any picture, and so much for each byte of it. A photograph of 12 megapixels,
	// written by libwebp, has 221 groups, which take 3.2 MB.
	vp8lFreeTables    = 24_000_000
	vp8lTablesPerByte = 2
)

// What golang.org/x/image/vp8l allocates, in bytes: for a prefix code its look-up table;
// nodes, of which n symbols have 2n-1; and, unless the code is a simple one, a length
// and a code for each symbol of the alphabet, which it does not keep.
const (
	vp8lLookup    = 24 + 4<<7
	vp8lNode      = 8
	vp8lPerSymbol = 4 + 4
)

// RFC 9649, 3.5: the transforms, in their two bits.
const (
	vp8lPredictor = iota
	vp8lCrossColour
	vp8lSubtractGreen
	vp8lColourIndexing
)

var errVP8L = errors.New("a lossless stream against its specification")

// vp8lMade is what decoding makes besides the pixels.
type vp8lMade struct {
	// groups is how many groups of prefix codes there are, used or not.
	groups int
	// tables and images are bytes: of all prefix codes, and of the small images that
	// come before the large one.
	tables, images int
}

// vp8lWorth refuses a lossless stream whose prefix codes take more than it is worth, and
// returns how many bytes decoding takes beyond its pixels.
func vp8lWorth(data []byte) (bytes int, err error) {
	most := vp8lFreeTables + vp8lTablesPerByte*len(data)
	made, err := vp8lMakes(data, most)
	switch {
	case err != nil:
		return 0, fmt.Errorf("counting prefix codes: %w", err)
	case made.groups > vp8lMostGroups:
		return 0, functions.Errorf(functions.TooLarge, "the WebP has %d groups of prefix codes, and at most %d are read",
			made.groups, vp8lMostGroups)
	case made.tables > most:
		return 0, functions.Errorf(functions.TooLarge, "the WebP has prefix codes in no more than %.1f MB that would take more than %.0f MB to read",
			float64(len(data))/1e6, float64(most)/1e6)
	}
	return made.tables + made.images, nil
}

// vp8lMakes reads a stream up to its first pixel, or until there are more groups than
// [vp8lMostGroups] or their tables take more than most bytes.
func vp8lMakes(data []byte, most int) (vp8lMade, error) {
	s := vp8lStream{bits: vp8lBits{data: data}}
	if s.bits.take(8) != 0x2f {
		return s.made, s.bits.wrong()
	}
	width, height := 1+s.bits.take(14), 1+s.bits.take(14)
	s.bits.take(1) // alpha or none: a hint
	if s.bits.take(3) != 0 {
		return s.made, s.bits.wrong()
	}
	width, err := s.transforms(width, height)
	if err != nil {
		return s.made, err
	}
	cache, err := s.cache()
	if err != nil {
		return s.made, err
	}
	s.made.groups = 1
	if s.bits.take(1) == 1 {
		tile := 2 + s.bits.take(3)
		highest, err := s.image(tiles(width, tile), tiles(height, tile))
		if err != nil {
			return s.made, err
		}
		s.made.groups = 1 + highest
	}
	if s.made.groups > vp8lMostGroups {
		return s.made, nil
	}
	var code vp8lCode
	for range s.made.groups {
		for _, alphabet := range vp8lAlphabets(cache) {
			if err := s.code(&code, alphabet); err != nil {
				return s.made, err
			}
			if s.made.tables > most {
				return s.made, nil
			}
		}
	}
	return s.made, nil
}

// vp8lStream is a stream being read, and what has been counted of it.
type vp8lStream struct {
	bits vp8lBits
	made vp8lMade
}

// transforms reads past them (RFC 9649, 3.5) and returns how wide they leave the image.
func (s *vp8lStream) transforms(width, height int) (int, error) {
	for seen := 0; s.bits.take(1) == 1; {
		kind := s.bits.take(2)
		if seen>>kind&1 == 1 {
			return 0, s.bits.wrong()
		}
		seen |= 1 << kind
		switch kind {
		case vp8lPredictor, vp8lCrossColour:
			tile := 2 + s.bits.take(3)
			if _, err := s.image(tiles(width, tile), tiles(height, tile)); err != nil {
				return 0, err
			}
		case vp8lColourIndexing:
			colours := 1 + s.bits.take(8)
			if _, err := s.image(colours, 1); err != nil {
				return 0, err
			}
			switch { // several indices to a pixel
			case colours <= 2:
				width = tiles(width, 3)
			case colours <= 4:
				width = tiles(width, 2)
			case colours <= 16:
				width = tiles(width, 1)
			}
		}
	}
	return width, nil
}

// cache reads how many colours the cache has: none, or a power of two.
func (s *vp8lStream) cache() (int, error) {
	if s.bits.take(1) == 0 {
		return 0, nil
	}
	bits := s.bits.take(4)
	if bits < 1 || bits > 11 {
		return 0, s.bits.wrong()
	}
	s.made.images += 4 << bits
	return 1 << bits, nil
}

// image reads past a small image, which has one group of codes (RFC 9649, 3.7.2), and
// returns the highest number there is in its red and green, as an entropy image's are.
// Copies and cached colours are of pixels that were there before, or zero: to find the
// highest number no pixel has to be kept.
func (s *vp8lStream) image(width, height int) (highest int, err error) {
	cache, err := s.cache()
	if err != nil {
		return 0, err
	}
	var codes [5]vp8lCode
	for i, alphabet := range vp8lAlphabets(cache) {
		if err := s.code(&codes[i], alphabet); err != nil {
			return 0, err
		}
		if !codes[i].complete() {
			return 0, s.bits.wrong()
		}
	}
	s.made.images += 4 * width * height
	for left := width * height; left > 0 && !s.bits.short; {
		symbol := codes[0].next(&s.bits)
		switch {
		case symbol < vp8lLiterals:
			red := codes[1].next(&s.bits)
			codes[2].next(&s.bits)
			codes[3].next(&s.bits)
			highest = max(highest, red<<8|symbol)
			left--
		case symbol < vp8lLiterals+vp8lLengths:
			length := s.bits.number(symbol - vp8lLiterals)
			s.bits.number(codes[4].next(&s.bits)) // where from does not matter
			if left -= length; left < 0 {
				return 0, s.bits.wrong()
			}
		default:
			left--
		}
	}
	if s.bits.short {
		return 0, s.bits.wrong()
	}
	return highest, nil
}

// tiles is how many tiles of 1<<bits cover size.
func tiles(size, bits int) int { return (size + 1<<bits - 1) >> bits }
