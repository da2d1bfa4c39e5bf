package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
)

// pictures makes a JPEG for each event. No two are alike, since the gateway infers
// only once for those that are: a comment tells them apart. Some are longer than what
// goes into a stream.
func pictures(large int) (func(i int) []byte, error) {
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			img.SetGray(x, y, color.Gray{Y: uint8(4*x ^ 5*y)})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		return nil, fmt.Errorf("making a picture: %w", err)
	}
	plain := b.Bytes()
	return func(i int) []byte {
		size := 0
		if i%largeEvery == 5 {
			size = large
		}
		return commented(plain, fmt.Appendf(nil, "event %d", i), size)
	}, nil
}

// maxComment is the most bytes of one COM segment (ITU-T T.81, B.2.4.5), whose length
// counts itself.
const maxComment = 0xffff - 2

// commented is a JPEG with comments after its first marker: text, and then as much as
// makes it at least size bytes.
func commented(plain, text []byte, size int) []byte {
	out := append([]byte{}, plain[:2]...)
	segment := func(data []byte) {
		out = append(out, 0xff, 0xfe)
		out = binary.BigEndian.AppendUint16(out, uint16(len(data)+2))
		out = append(out, data...)
	}
	segment(text)
	for rest := size - len(plain) - len(text); rest > 0; rest -= maxComment {
		segment(bytes.Repeat([]byte{' '}, min(rest, maxComment)))
	}
	return append(out, plain[2:]...)
}
