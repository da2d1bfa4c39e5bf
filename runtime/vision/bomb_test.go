package vision

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/seed45885407/saccade/functions"
)

// mostOfABomb is what a picture may cost that is not worth it.
const mostOfABomb = 50_000_000

// cost is how many bytes of Go's memory decoding takes. What libjpeg-turbo takes is
// not in it, and is less than half of what image/jpeg would.
func cost(data []byte, jpegs *JPEG) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(data, Limits{JPEG: jpegs})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func TestABombCostsLittle(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
		read bool
	}{
		{"a large progressive JPEG of nothing", nothing(7000, 3, 1), false},
		{"a grey one, over and over again", nothing(7000, 1, 15), false},
		{"a smaller one, which is read", nothing(2800, 1, 15), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
				taken, err := cost(test.data, jpegs)
				if taken > mostOfABomb {
					t.Errorf("%d bytes", taken)
				}
				if test.read != (err == nil) || err != nil && functions.KindOf(err) != functions.TooLarge {
					t.Errorf("%v; want it read: %v", err, test.read)
				}
			})
		})
	}
}

// flat is a picture of one colour.
func flat(width, height int) *image.Paletted {
	return image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Gray{90}, color.White})
}

// written is what write writes.
func written(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestABombOfEachFormatCostsLittle(t *testing.T) {
	const side = 7000 // 49 megapixels
	best := png.Encoder{CompressionLevel: png.BestCompression}
	colours := image.NewRGBA(image.Rect(0, 0, 4000, 4000))
	deep := image.NewGray16(image.Rect(0, 0, side, 4000))
	cut := func(data []byte) []byte { return data[:4<<10] }
	for _, test := range []struct {
		name string
		data []byte
		read bool
	}{
		{"PNG, 16 megapixels of four bytes", written(t, func(b *bytes.Buffer) error { return best.Encode(b, colours) }), false},
		{"PNG, 28 megapixels of two bytes", written(t, func(b *bytes.Buffer) error { return best.Encode(b, deep) }), false},
		{"PNG, 40 megapixels of one byte, which is read", written(t, func(b *bytes.Buffer) error { return best.Encode(b, flat(8000, 5000)) }), true},
		{"PNG, the same interlaced", interlaced(written(t, func(b *bytes.Buffer) error { return best.Encode(b, flat(8000, 5000)) })), false},
		{"GIF, a small frame on a large canvas", canvased(written(t, func(b *bytes.Buffer) error { return gif.Encode(b, flat(8, 8), nil) }), side), false},
		{"WebP, lossless", losslessWebP(side), false},
		{"TIFF, deflated in one strip", written(t, func(b *bytes.Buffer) error {
			return tiff.Encode(b, flat(side, side), &tiff.Options{Compression: tiff.Deflate})
		}), false},
		{"BMP, which has no way to be small", cut(written(t, func(b *bytes.Buffer) error { return bmp.Encode(b, flat(side, side)) })), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			taken, err := cost(test.data, nil)
			t.Logf("%d bytes took %.1f MB: %v", len(test.data), float64(taken)/1e6, err)
			if taken > mostOfABomb {
				t.Errorf("%d bytes taken", taken)
			}
			if test.read != (err == nil) {
				t.Errorf("%v; want it read: %v", err, test.read)
			}
			kinds := []functions.Kind{functions.TooLarge, functions.Unreadable}
			if err != nil && !slices.Contains(kinds, functions.KindOf(err)) {
				t.Errorf("refused as %s: %v", functions.KindOf(err), err)
			}
		})
	}
}

func TestALargePictureIsNoBomb(t *testing.T) {
	const width, height = 4000, 3000
	photograph := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range photograph.Pix {
		photograph.Pix[i] = uint8(i/4%width*255/width) ^ uint8(i*i>>11&7) | uint8(i&3/3*255)
	}
	fast := png.Encoder{CompressionLevel: png.BestSpeed}
	for name, data := range map[string][]byte{
		"12 megapixels of a photograph": written(t, func(b *bytes.Buffer) error { return fast.Encode(b, photograph) }),
		"12 megapixels of one colour":   written(t, func(b *bytes.Buffer) error { return fast.Encode(b, image.NewRGBA(photograph.Rect)) }),
		"12 megapixels of a flat GIF":   written(t, func(b *bytes.Buffer) error { return gif.Encode(b, flat(width, height), nil) }),
		"12 megapixels, uncompressed":   written(t, func(b *bytes.Buffer) error { return tiff.Encode(b, photograph, nil) }),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode(data, Limits{MaxBytes: 100_000_000})
			if err != nil {
				t.Fatalf("%d bytes: %v", len(data), err)
			}
			if p.Width != width || p.Height != height {
				t.Errorf("%dx%d", p.Width, p.Height)
			}
		})
	}
}

// interlaced says of a PNG that it is, which is enough for its header to be judged.
func interlaced(data []byte) []byte {
	data = bytes.Clone(data)
	data[28] = 1
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

// canvased gives a GIF a canvas of side pixels a side.
func canvased(data []byte, side uint16) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint16(data[6:], side)
	binary.LittleEndian.PutUint16(data[8:], side)
	return data
}

// losslessWebP is the header of one (RFC 9649, 3.4), and codes of no bits: every
// pixel is black.
func losslessWebP(side int) []byte {
	bits := uint64(side-1) | uint64(side-1)<<14
	body := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(bits))
	// No transform, no colour cache, one group of codes, each of the one symbol 0.
	body = append(body, 0x88, 0x88, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	chunk := append([]byte("VP8L"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	chunk = append(chunk, body...)
	chunk = append(chunk, make([]byte, len(body)%2)...)
	data := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(4+len(chunk)))...)
	return append(append(data, "WEBP"...), chunk...)
}

func TestTheBrokenCostLittle(t *testing.T) {
	var manifest []struct{ File string }
	if err := json.Unmarshal(sharedFile(t, "images/manifest.json"), &manifest); err != nil {
		t.Fatal(err)
	}
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		for _, entry := range manifest {
			if !strings.HasPrefix(entry.File, "broken/") {
				continue
			}
			// Whether it is refused, another test asks.
			if taken, _ := cost(sharedFile(t, "images/"+entry.File), jpegs); taken > mostOfABomb {
				t.Errorf("%s: %d bytes", entry.File, taken)
			}
		}
	})
}

// nothing is a progressive JPEG, black all over, in as few bytes as there can be: a
// bit a block in its first scan, and in the others one code for 32767 blocks.
func nothing(side, components, scans int) []byte {
	data := []byte{0xff, markerSOI}
	segment := func(marker byte, body ...byte) {
		data = binary.BigEndian.AppendUint16(append(data, 0xff, marker), uint16(len(body)+2))
		data = append(data, body...)
	}
	segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)
	frame := binary.BigEndian.AppendUint16([]byte{8}, uint16(side))
	frame = append(binary.BigEndian.AppendUint16(frame, uint16(side)), byte(components))
	scan := []byte{byte(components)}
	for c := range components {
		frame, scan = append(frame, byte(c+1), 0x11, 0), append(scan, byte(c+1), 0)
	}
	segment(markerSOF2, frame...)
	const longestRun = 0xe0                                                            // EOB14: 14 bits follow
	segment(0xc4, append(append([]byte{0x00, 1}, make([]byte, 15)...), 0)...)          // bit 0: no difference
	segment(0xc4, append(append([]byte{0x10, 1}, make([]byte, 15)...), longestRun)...) // bit 0: such a run
	blocks := (side + 7) / 8 * ((side + 7) / 8)
	segment(markerSOS, append(scan, 0, 0, 0)...)
	data = append(data, make([]byte, (blocks*components+7)/8)...)
	for s := range scans - 1 {
		// Each goes into one more bit of the coefficients 1..63.
		bits := byte(13-s+1)<<4 | byte(13-s)
		if s == 0 {
			bits = 13
		}
		segment(markerSOS, 1, 1, 0, 1, 63, bits)
		var run bitString
		for left := blocks; left > 0; left -= 1<<15 - 1 {
			run.put(0, 1)
			run.put(min(uint(left), 1<<15-1)-1<<14, 14)
		}
		data = append(data, run.bytes()...)
	}
	return append(data, 0xff, markerEOI)
}

// bitString is a JPEG's entropy-coded bits.
type bitString struct {
	data []byte
	last byte
	n    int
}

func (b *bitString) put(v uint, bits int) {
	for bits--; bits >= 0; bits-- {
		b.last = b.last<<1 | byte(v>>bits&1)
		if b.n++; b.n == 8 {
			b.data = append(b.data, b.last)
			if b.last == 0xff {
				b.data = append(b.data, 0)
			}
			b.last, b.n = 0, 0
		}
	}
}

func (b *bitString) bytes() []byte {
	for b.n > 0 {
		b.put(1, 1)
	}
	return b.data
}
