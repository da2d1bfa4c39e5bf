package vision

import (
	"fmt"
	"image"
	"io"
)

// What libjxl takes for a pixel, measured: 9 to 11 bytes for a photograph, 17 for one
// without loss, more for passes and layers, and 4 for the result here.
const (
	jxlResult   = 4
	jxlLeast    = 9 + jxlResult
	jxlGenerous = 32
)

// jxlHeader reads the size and the orientation: ISO/IEC 18181-1, D.2 and D.3.
func jxlHeader(data []byte) (header, error) {
	head := header{orientation: 1, late: new(late)}
	stream := jxlStream(data)
	if len(stream) < 2 || stream[0] != 0xff || stream[1] != 0x0a {
		return head, fmt.Errorf("no codestream: %w", io.ErrUnexpectedEOF)
	}
	b := lowBits{data: stream[2:]}
	small := b.take(1) == 1
	side := func() int {
		if small {
			return 8 * (1 + b.take(5))
		}
		return 1 + b.take([4]int{9, 13, 18, 30}[b.take(2)])
	}
	head.height = side()
	if ratio := b.take(3); ratio == 0 {
		head.width = side()
	} else {
		of := [8][2]int{1: {1, 1}, 2: {12, 10}, 3: {4, 3}, 4: {3, 2}, 5: {16, 9}, 6: {5, 4}, 7: {2, 1}}[ratio]
		head.width = head.height * of[0] / of[1]
	}
	if allDefault := b.take(1) == 1; !allDefault && b.take(1) == 1 {
		head.orientation = orientation(1 + b.take(3))
	}
	if b.short {
		return head, fmt.Errorf("the header: %w", io.ErrUnexpectedEOF)
	}
	head.memory = head.takes(jxlLeast)
	return head, nil
}

// jxlStream is the beginning of the codestream at least: the file itself, or of a file of
// boxes the first that has some of it.
func jxlStream(data []byte) []byte {
	if data[0] == 0xff {
		return data
	}
	for kind, body := range boxes(data) {
		switch {
		case kind == "jxlc":
			return body
		case kind == "jxlp" && len(body) > 4:
			return body[4:]
		}
	}
	return nil
}

func jxlPixels(data []byte, head header) (image.Image, error) {
	if head.codecs == nil {
		return nil, noCodecs("JPEG XL")
	}
	if err := head.worth("JPEG XL", data); err != nil {
		return nil, err
	}
	img, icc, err := head.codecs.JXL(data, head.bounds(data, jxlGenerous, jxlResult))
	if err != nil {
		return nil, head.tooMuch("JPEG XL", err)
	}
	if len(icc) <= maxProfile {
		head.late.profile, _ = parseProfile(icc) // passed over where not understood
	}
	return img, nil
}

// lowBits reads numbers of a few bits, the low ones first. Where there are none left they
// are zero, and short says so.
type lowBits struct {
	data  []byte
	at    int
	short bool
}

func (b *lowBits) take(bits int) (n int) {
	for i := range bits {
		if b.at/8 >= len(b.data) {
			b.short = true
			return n
		}
		n |= int(b.data[b.at/8]>>(b.at%8)&1) << i
		b.at++
	}
	return n
}
