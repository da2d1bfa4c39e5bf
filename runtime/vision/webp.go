package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// frame is a WebP's first frame: its coded bytes and its place on the canvas.
type frame struct {
	data     []byte
	lossless bool
	at       image.Point
}

// webpHeader reads the container itself, RFC 9649: alpha is dropped, so its chunk
// need not be decoded, and of an animation the first frame is what is wanted.
func webpHeader(data []byte) (header, error) {
	head := header{orientation: 1}
	var icc []byte
	for kind, body := range riffChunks(data[12:]) {
		switch {
		case kind == "VP8X" && len(body) >= 10 && head.width == 0:
			head.width, head.height = 1+uint24(body[4:]), 1+uint24(body[7:])
		case kind == "ANMF" && len(body) >= 16 && head.frame.data == nil:
			for kind, sub := range riffChunks(body[16:]) {
				head.frame.keep(kind, sub)
			}
			head.frame.at = image.Pt(2*uint24(body), 2*uint24(body[3:]))
		case kind == "ICCP" && icc == nil && len(body) <= maxProfile:
			icc = body // the first alone: each costs thousands of powers to read
		case kind == "EXIF":
			head.orientation = exifOrientation(bytes.TrimPrefix(body, []byte("Exif\x00\x00")))
		default:
			head.frame.keep(kind, body)
		}
	}
	head.profile, _ = parseProfile(icc) // passed over where not understood
	if head.frame.data == nil {
		return head, fmt.Errorf("no frame: %w", io.ErrUnexpectedEOF)
	}
	width, height, err := head.frame.size()
	if err != nil {
		return head, err
	}
	if head.width == 0 {
		head.width, head.height = width, height
	}
	at := head.frame.at
	if at.X+width > head.width || at.Y+height > head.height {
		return head, fmt.Errorf("a frame of %dx%d at %v does not lie on the canvas of %dx%d",
			width, height, at, head.width, head.height)
	}
	perPixel := 1.5
	if head.frame.lossless {
		perPixel = 8 // four, and four more while transforms are undone
	}
	head.memory = perPixel * float64(width) * float64(height)
	if width != head.width || height != head.height {
		head.memory += head.takes(4) // the canvas
	}
	return head, nil
}

func webpPixels(data []byte, head header) (image.Image, error) {
	if err := head.worth("WebP", data); err != nil {
		return nil, err
	}
	if head.frame.lossless {
		more, err := vp8lWorth(head.frame.data)
		if err != nil {
			return nil, err
		}
		head.memory += float64(more)
		if err := head.worth("WebP", data); err != nil {
			return nil, err
		}
	}
	img, err := head.frame.decode()
	if err != nil {
		return nil, err
	}
	return onCanvas(img, head.frame.at, head), nil
}

// keep remembers the first chunk that holds a picture.
func (f *frame) keep(kind string, body []byte) {
	if f.data == nil && (kind == "VP8 " || kind == "VP8L") {
		f.data, f.lossless = body, kind == "VP8L"
	}
}

// size reads the frame's own header.
func (f *frame) size() (width, height int, err error) {
	if f.lossless {
		config, err := vp8l.DecodeConfig(bytes.NewReader(f.data))
		return config.Width, config.Height, err
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.data), len(f.data))
	h, err := d.DecodeFrameHeader()
	return h.Width, h.Height, err
}

func (f *frame) decode() (image.Image, error) {
	if f.lossless {
		return vp8l.Decode(bytes.NewReader(f.data))
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(f.data), len(f.data))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	return d.DecodeFrame()
}

// riffChunks yields the chunks; the last one may be cut off.
func riffChunks(data []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			size := int64(binary.LittleEndian.Uint32(data[4:]))
			kind, body := string(data[:4]), data[8:]
			if !yield(kind, body[:min(size, int64(len(body)))]) {
				return
			}
			data = body[min(size+size&1, int64(len(body))):]
		}
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
