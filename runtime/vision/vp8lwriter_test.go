package vision

import (
	"bytes"
	"encoding/binary"
)

// vp8lWriter writes numbers of a few bits, the low ones first.
type vp8lWriter struct {
	data []byte
	n    int
}

func (w *vp8lWriter) put(v, bits int) {
	for i := range bits {
		if w.n%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// size is a stream's beginning: a square without alpha.
func (w *vp8lWriter) size(side int) {
	w.put(0x2f, 8)
	w.put(side-1, 14)
	w.put(side-1, 14)
	w.put(0, 4)
}

// header has no transforms, and no cache where it has no bits.
func (w *vp8lWriter) header(side, cacheBits int) {
	w.size(side)
	w.put(0, 1)
	w.cache(cacheBits)
}

func (w *vp8lWriter) cache(bits int) {
	w.put(min(bits, 1), 1)
	if bits > 0 {
		w.put(bits, 4)
	}
}

// one is a code of one symbol, of eight bits and in no bits.
func (w *vp8lWriter) one(symbol int) {
	w.put(0b101, 3)
	w.put(symbol, 8)
}

// full is a code of 1<<length symbols, each of length bits, in a few bytes: the length
// is the only symbol of the code of lengths, and takes no bits.
func (w *vp8lWriter) full(length int) {
	w.put(0, 1)
	at := map[int]int{5: 7, 8: 11, 9: 12, 11: 14}[length] // where the order of lengths has it
	w.put(at+1-4, 4)
	for i := range at + 1 {
		w.put(min(1, max(0, 1+i-at)), 3)
	}
	w.put(1, 1)
	w.put((length-1)/2, 3)
	w.put(1<<length-2, 2+2*((length-1)/2))
}

// tiles has tiles of 4x4 pixels, and the groups that number says for each of them.
func (w *vp8lWriter) tiles(side int, number func(tile int) int) {
	w.put(1, 1) // more than one group
	w.put(0, 3)
	w.cache(0)
	w.full(8) // green and red: the low and the high byte
	w.full(8)
	w.nones(3)
	for tile := range side / 4 * (side / 4) {
		w.symbol(number(tile)&0xff, 8)
		w.symbol(number(tile)>>8, 8)
	}
}

// symbol is one of a full code, whose bits have the high ones first.
func (w *vp8lWriter) symbol(v, bits int) {
	for i := range bits {
		w.put(v>>(bits-1-i)&1, 1)
	}
}

// nones are so many of the shortest codes.
func (w *vp8lWriter) nones(n int) {
	for range n {
		w.put(0b0001, 4) // symbol 0, in no bits
	}
}

// tightGroups has so many groups of codes of 20 bits.
func tightGroups(side, groups int) []byte {
	var w vp8lWriter
	w.header(side, 0)
	w.tiles(side, func(tile int) int { return min(tile, groups-1) })
	w.nones(5 * groups)
	return w.data
}

// wideGroups has so many groups of as many symbols as codes of one length can have, and
// pixels that are the first symbol of each.
func wideGroups(side, groups int) []byte {
	var w vp8lWriter
	w.header(side, 11)
	w.tiles(side, func(tile int) int { return min(tile, groups-1) })
	w.wide(groups)
	w.data = append(w.data, make([]byte, side*side*(11+3*8)/8+1)...)
	return w.data
}

func (w *vp8lWriter) wide(groups int) {
	for range groups {
		w.full(11)
		w.full(8)
		w.full(8)
		w.full(8)
		w.full(5)
	}
}

// hidden has so many wide groups behind one that no tile is in, and whose distances are
// in a code of two symbols of which the first is none.
func hidden(side, groups int) []byte {
	var w vp8lWriter
	w.header(side, 11)
	w.tiles(side, func(tile int) int { return 1 + min(tile, groups-1) })
	w.nones(4)
	w.put(0b111, 3)
	w.put(200, 8)
	w.put(7, 8)
	w.wide(groups)
	w.data = append(w.data, make([]byte, side*side*(11+3*8)/8+1)...)
	return w.data
}

// jumped has one tile, of a group whose number is high.
func jumped(groups int) []byte {
	var w vp8lWriter
	w.header(4, 0)
	w.put(1, 1)
	w.put(0, 3)
	w.cache(0)
	w.one((groups - 1) & 0xff)
	w.one((groups - 1) >> 8)
	w.nones(3)
	w.nones(5 * groups)
	return w.data
}

// transformed has three transforms, one of which makes its width an eighth, and of the 32
// tiles that leaves two that are written, six copied, four cached and twenty copied.
func transformed() []byte {
	var w vp8lWriter
	w.size(64)
	w.put(1, 1)
	w.put(vp8lSubtractGreen, 2)
	w.put(1, 1)
	w.put(vp8lColourIndexing, 2)
	w.put(2-1, 8)
	w.cache(0)
	w.nones(5)
	w.put(1, 1)
	w.put(vp8lPredictor, 2)
	w.put(0, 3)
	w.cache(4)
	w.nones(5)
	w.put(0, 1)
	w.cache(0)
	w.put(1, 1)
	w.put(0, 3)
	w.cache(8)
	w.full(9)
	w.full(8)
	w.nones(3)
	w.symbol(3, 9)
	w.symbol(1, 8)
	w.symbol(200, 9)
	w.symbol(0, 8)
	w.symbol(256+4, 9)
	w.put(1, 1) // of 5 and 6 the second
	for i := range 4 {
		w.symbol(280+i, 9)
	}
	w.symbol(256+8, 9)
	w.put(3, 3) // of 17 to 24 the fourth
	w.nones(5 * 260)
	return w.data
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return chunk("RIFF", body)
}

func chunk(kind string, body []byte) []byte {
	data := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	return append(append(data, body...), make([]byte, len(body)%2)...)
}
