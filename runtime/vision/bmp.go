package vision

import (
	"bytes"
	"encoding/binary"
	"image"

	"golang.org/x/image/bmp"
)

func bmpHeader(data []byte) (header, error) {
	config, err := bmp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, err
	}
	head := header{width: config.Width, height: config.Height, orientation: 1}
	head.memory = head.takes(pixelBytes(config.ColorModel))
	return head, nil
}

func bmpPixels(data []byte, head header) (image.Image, error) {
	// What x/image reads is uncompressed, so the bytes must all be there.
	bitsPerPixel := int(binary.LittleEndian.Uint16(data[28:]))
	if rowBytes := (head.width*bitsPerPixel + 31) / 32 * 4; rowBytes > len(data)/head.height {
		return nil, errShort
	}
	if err := head.worth("BMP", data); err != nil {
		return nil, err
	}
	return bmp.Decode(bytes.NewReader(data))
}
