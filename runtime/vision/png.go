package vision

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
)

// maxInflation is the most bytes that one byte of a deflate stream can become.
const maxInflation = 1032

func pngHeader(data []byte) (header, error) {
	head := header{orientation: 1}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		// A width or height of zero comes as an error too.
		return head, err
	}
	head.width, head.height = config.Width, config.Height
	perPixel := pixelBytes(config.ColorModel)
	var icc []byte
	for kind, body := range pngChunks(data) {
		switch kind {
		case "tRNS":
			switch config.ColorModel {
			case color.GrayModel: // becomes NRGBA
				perPixel = 4
			case color.Gray16Model:
				perPixel = 8
			}
		case "eXIf":
			head.orientation = exifOrientation(body)
		case "iCCP":
			if icc == nil {
				icc = body // the first alone: each costs thousands of powers to read
			}
		}
	}
	if data[28] != 0 {
		perPixel *= 2 // interlaced: its passes are pictures of their own
	}
	head.memory = head.takes(perPixel)
	head.profile, _ = parseProfile(inflated(icc)) // passed over where not understood
	return head, nil
}

func pngPixels(data []byte, head header) (image.Image, error) {
	depth, channels := data[24], 1 // IHDR: PNG specification, 11.2.1
	switch data[25] {
	case 2:
		channels = 3
	case 4:
		channels = 2
	case 6:
		channels = 4
	}
	rowBytes := (head.width*int(depth)*channels + 7) / 8
	if rowBytes > len(data)*maxInflation/head.height {
		return nil, errShort
	}
	if err := head.worth("PNG", data); err != nil {
		return nil, err
	}
	return png.Decode(bytes.NewReader(data))
}

// pngChunks yields the chunks that are whole.
func pngChunks(data []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for data = data[8:]; len(data) >= 12; {
			size := int64(binary.BigEndian.Uint32(data))
			if size > int64(len(data))-12 || !yield(string(data[4:8]), data[8:8+size]) {
				return
			}
			data = data[12+size:]
		}
	}
}

// inflated is the profile in an iCCP chunk (PNG specification, 11.3.2.3): a name, a
// zero, the compression method, a zlib stream. It is empty where that is damaged.
func inflated(chunk []byte) []byte {
	_, stream, _ := bytes.Cut(chunk, []byte{0})
	if len(stream) < 1 {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(stream[1:]))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(r, maxProfile))
	if err != nil {
		return nil
	}
	return data
}
