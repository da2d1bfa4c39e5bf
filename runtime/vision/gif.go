package vision

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
)

func gifHeader(data []byte) (header, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	head := header{width: config.Width, height: config.Height, orientation: 1}
	first, interlaced := gifFrame(data)
	head.memory = float64(first.X) * float64(first.Y)
	if interlaced {
		head.memory *= 2 // its lines are put in order in memory of their own
	}
	if first != image.Pt(head.width, head.height) {
		head.memory += head.takes(4) // the canvas
	}
	return head, err
}

// gifFrame is the size of the first frame (GIF89a, sections 18 to 25), zero where
// there is none.
func gifFrame(data []byte) (size image.Point, interlaced bool) {
	const screen, extension, descriptor = 13, 0x21, 0x2c
	if len(data) < screen {
		return size, false
	}
	at := screen
	if flags := data[10]; flags&0x80 != 0 {
		at += 3 << (flags&7 + 1) // the global colour table
	}
	for at+10 <= len(data) && data[at] == extension {
		for at += 2; at < len(data) && data[at] != 0; { // blocks, the last of no bytes
			at += 1 + int(data[at])
		}
		at++
	}
	if at+10 > len(data) || data[at] != descriptor {
		return size, false
	}
	size = image.Pt(int(binary.LittleEndian.Uint16(data[at+5:])), int(binary.LittleEndian.Uint16(data[at+7:])))
	return size, data[at+9]&0x40 != 0
}

// gifPixels decodes the first frame alone, and no byte behind it.
func gifPixels(data []byte, head header) (image.Image, error) {
	if err := head.worth("GIF", data); err != nil {
		return nil, err
	}
	first, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return onCanvas(first, first.Bounds().Min, head), nil
}
