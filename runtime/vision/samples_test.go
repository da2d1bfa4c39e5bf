package vision

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// quadrants is red, green over blue, white: no two orientations of it look alike.
func quadrants(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	colours := [2][2]color.NRGBA{
		{{R: 255, A: 255}, {G: 255, A: 255}},
		{{B: 255, A: 255}, {R: 255, G: 255, B: 255, A: 255}},
	}
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, colours[2*y/height][2*x/width])
		}
	}
	return img
}

// encodings are the same small picture in every format, with the orientation in
// its metadata where the format has a place for it.
func encodings(t testing.TB, img image.Image, o orientation) map[string][]byte {
	t.Helper()
	encode := func(write func(*bytes.Buffer) error) []byte {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	exif := exifOf(o)
	made := map[string][]byte{
		"jpeg": withSegment(encode(func(b *bytes.Buffer) error {
			return jpeg.Encode(b, img, &jpeg.Options{Quality: 100})
		}), markerAPP1, append([]byte("Exif\x00\x00"), exif...)),
		"png": withChunk(encode(func(b *bytes.Buffer) error { return png.Encode(b, img) }), "eXIf", exif),
	}
	if o == 1 {
		made["gif"] = encode(func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) })
		made["bmp"] = encode(func(b *bytes.Buffer) error { return bmp.Encode(b, img) })
		made["tiff"] = encode(func(b *bytes.Buffer) error { return tiff.Encode(b, img, nil) })
	}
	return made
}

// exifOf is a TIFF structure with the orientation alone.
func exifOf(o orientation) []byte {
	data := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	data = binary.LittleEndian.AppendUint16(data, uint16(o))
	return append(data, 0, 0, 0, 0, 0, 0)
}

// withSegment puts a segment right after a JPEG's start.
func withSegment(data []byte, marker byte, body []byte) []byte {
	segment := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return bytes.Join([][]byte{data[:2], segment, body, data[2:]}, nil)
}

// withChunk puts a chunk right after a PNG's header.
func withChunk(data []byte, kind string, body []byte) []byte {
	const header = 8 + 25
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, kind...), body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{data[:header], chunk, data[header:]}, nil)
}

// The smallest WebPs there are: one pixel, lossy, lossless and animated.
func tinyWebPs(t testing.TB) map[string][]byte {
	t.Helper()
	made := map[string][]byte{}
	for name, text := range map[string]string{
		"lossy":    "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
		"lossless": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
		"animated": "UklGRlIAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAD/////AABBTk1GJgAAAAAAAAAAAAAAAAAAAGQAAABWUDhMDQAAAC8AAAAQBxAREYiI/gcA",
	} {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		made[name] = data
	}
	return made
}

// at is the colour of the upright picture at a point.
func at(p *Picture, x, y int) color.NRGBA {
	return color.NRGBA(p.upright().RGBAAt(x, y))
}

// near says that no channel differs by more than within.
func near(a, b color.NRGBA, within int) bool {
	apart := func(a, b uint8) bool { return max(int(a)-int(b), int(b)-int(a)) > within }
	return !apart(a.R, b.R) && !apart(a.G, b.G) && !apart(a.B, b.B)
}
