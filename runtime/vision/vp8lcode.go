package vision

import (
	"encoding/binary"
	"io"
	"math/bits"
	"slices"
)

// The alphabets of a group's five codes (RFC 9649, 3.7.3): green, lengths and cached
// colours in one; red; blue; alpha; distances.
const (
	vp8lLiterals  = 256
	vp8lLengths   = 24
	vp8lDistances = 40
)

func vp8lAlphabets(cache int) [5]int {
	return [5]int{vp8lLiterals + vp8lLengths + cache, vp8lLiterals, vp8lLiterals, vp8lLiterals, vp8lDistances}
}

// vp8lCode is a canonical prefix code: how many codes there are of each length, and
// their symbols in order.
type vp8lCode struct {
	lengths []uint8 // by symbol; 0 for one that has no code
	count   [16]int
	symbols []uint16
	// short has, by the next eight bits, the symbol whose code they begin with times 16
	// plus how many of them it takes; zero where it takes more.
	short [256]uint16
	bad   bool // a simple code that is none
}

// code reads a prefix code (RFC 9649, 3.7.2.1) into c and counts its tables. A code that
// [vp8lCode.complete] says no of may be read past, but not read with.
func (s *vp8lStream) code(c *vp8lCode, alphabet int) error {
	c.lengths = slices.Grow(c.lengths[:0], alphabet)[:alphabet]
	clear(c.lengths)
	c.bad = false
	s.made.tables += vp8lLookup
	if s.bits.take(1) == 1 {
		s.simple(c)
	} else {
		s.made.tables += vp8lPerSymbol * alphabet
		if err := s.lengths(c); err != nil {
			return err
		}
	}
	if s.bits.short {
		return s.bits.wrong()
	}
	s.tally(c)
	return nil
}

// tally counts the lengths that have been read, and the nodes they make.
func (s *vp8lStream) tally(c *vp8lCode) {
	c.count = [16]int{}
	for _, n := range c.lengths {
		c.count[n]++
	}
	symbols := len(c.lengths) - c.count[0]
	s.made.tables += vp8lNode * max(0, 2*symbols-1)
}

// simple reads a code of one symbol or two. Two that are one, or not in order, are
// read in different ways by different decoders. A code that is none is read past whole:
// in a group that no pixel is in, decoders let it pass.
func (s *vp8lStream) simple(c *vp8lCode) {
	symbols := 1 + s.bits.take(1)
	size := 1 + 7*s.bits.take(1)
	last := -1
	for range symbols {
		symbol := s.bits.take(size)
		if symbol >= len(c.lengths) || symbol <= last {
			c.bad = true
		} else {
			c.lengths[symbol] = 1
		}
		last, size = symbol, 8
	}
}

// lengths reads the lengths of a code, which are in a code of their own.
func (s *vp8lStream) lengths(c *vp8lCode) error {
	var own vp8lCode
	own.lengths = make([]uint8, 19)
	order := [19]uint8{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for _, i := range order[:4+s.bits.take(4)] {
		own.lengths[i] = uint8(s.bits.take(3))
	}
	s.tally(&own)
	if !own.complete() {
		return s.bits.wrong()
	}
	read := len(c.lengths)
	if s.bits.take(1) == 1 {
		if read = 2 + s.bits.take(2+2*s.bits.take(3)); read > len(c.lengths) {
			return s.bits.wrong()
		}
	}
	last := uint8(8)
	for at := 0; read > 0 && at < len(c.lengths) && !s.bits.short; read-- {
		symbol := own.next(&s.bits)
		length, times := uint8(0), 1
		switch symbol {
		case 16:
			length, times = last, 3+s.bits.take(2)
		case 17:
			times = 3 + s.bits.take(3)
		case 18:
			times = 11 + s.bits.take(7)
		default:
			if length = uint8(symbol); length != 0 {
				last = length
			}
		}
		if times > len(c.lengths)-at {
			return s.bits.wrong()
		}
		for range times {
			c.lengths[at] = length
			at++
		}
	}
	return nil
}

// complete says that each string of bits is one string of symbols, and prepares for
// [vp8lCode.next].
func (c *vp8lCode) complete() bool {
	symbols, room := 0, 1
	var first [16]int
	for length := 1; length < len(c.count); length++ {
		first[length] = symbols
		symbols += c.count[length]
		if room = 2*room - c.count[length]; room < 0 {
			return false
		}
	}
	if c.bad || symbols != 1 && room != 0 {
		return false
	}
	c.symbols = make([]uint16, symbols)
	for symbol, length := range c.lengths {
		if length > 0 {
			c.symbols[first[length]] = uint16(symbol)
			first[length]++
		}
	}
	c.shorten()
	return true
}

// shorten fills short: codes of a length follow one another, in the order of symbols.
func (c *vp8lCode) shorten() {
	c.short = [256]uint16{}
	code, at := 0, 0
	for length := 1; length <= 8; length++ {
		for range c.count[length] {
			low := int(bits.Reverse8(uint8(code << (8 - length))))
			for rest := low; rest < 256; rest += 1 << length {
				c.short[rest] = c.symbols[at]<<4 | uint16(length)
			}
			code, at = code+1, at+1
		}
		code <<= 1
	}
}

// next reads a symbol; the only one there is takes no bits.
func (c *vp8lCode) next(b *vp8lBits) int {
	if len(c.symbols) == 1 {
		return int(c.symbols[0])
	}
	if b.n < 15 {
		b.fill()
	}
	if short := c.short[b.held&0xff]; short != 0 {
		b.take(int(short & 15))
		return int(short >> 4)
	}
	code, first, at := 0, 0, 0
	for length := 1; length < len(c.count); length++ {
		code |= b.take(1)
		n := c.count[length]
		if code-first < n {
			return int(c.symbols[at+code-first])
		}
		at += n
		first, code = (first+n)<<1, code<<1
	}
	return 0 // never, in a complete code
}

// vp8lBits reads numbers of up to 32 bits, the low ones first. Where there are none left
// they are zero, and short says so.
type vp8lBits struct {
	data  []byte
	held  uint64
	n     int
	short bool
}

func (b *vp8lBits) fill() {
	if b.n <= 32 && len(b.data) >= 4 {
		b.held |= uint64(binary.LittleEndian.Uint32(b.data)) << b.n
		b.data, b.n = b.data[4:], b.n+32
		return
	}
	for b.n <= 32 && len(b.data) > 0 {
		b.held |= uint64(b.data[0]) << b.n
		b.data, b.n = b.data[1:], b.n+8
	}
}

func (b *vp8lBits) take(n int) int {
	if b.n < n {
		if b.fill(); b.n < n {
			b.short, b.held, b.n, b.data = true, 0, 0, nil
			return 0
		}
	}
	v := b.held & (1<<n - 1)
	b.held >>= n
	b.n -= n
	return int(v)
}

// wrong is why reading cannot go on.
func (b *vp8lBits) wrong() error {
	if b.short {
		return io.ErrUnexpectedEOF
	}
	return errVP8L
}

// number reads a length or a distance (RFC 9649, 3.6.2.2): its symbol has the two
// highest bits.
func (b *vp8lBits) number(symbol int) int {
	if symbol < 4 {
		return symbol + 1
	}
	extra := (symbol - 2) >> 1
	return (2+symbol&1)<<extra + b.take(extra) + 1
}
