package vision

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/seed45885407/saccade/functions"
)

func TestEveryFormatIsKnownByItsBytes(t *testing.T) {
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		for name, data := range encodings(t, quadrants(16, 12), 1) {
			p, err := Decode(data, Limits{JPEG: jpegs})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if p.Width != 16 || p.Height != 12 || p.Format != name {
				t.Errorf("%s: read as %+v, want 16x12", name, p.Picture)
			}
			if c := at(p, 2, 2); !near(c, color.NRGBA{R: 255}, 8) {
				t.Errorf("%s: top left is %v, want red", name, c)
			}
		}
		for name, data := range tinyWebPs(t) {
			p, err := Decode(data, Limits{JPEG: jpegs})
			if err != nil {
				t.Errorf("%s WebP: %v", name, err)
				continue
			}
			if want := (functions.Picture{Width: 1, Height: 1, Format: "webp"}); p.Picture != want {
				t.Errorf("%s WebP: read as %+v, want %+v", name, p.Picture, want)
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		made := encodings(t, quadrants(64, 48), 1)
		png, jpeg, bmp := made["png"], made["jpeg"], made["bmp"]
		patched := func(data []byte, at int, with ...byte) []byte {
			data = bytes.Clone(data)
			copy(data[at:], with)
			return data
		}
		sof := bytes.Index(jpeg, []byte{0xff, 0xc0})
		for _, test := range []struct {
			name   string
			data   []byte
			limits Limits
			kind   functions.Kind
			says   string
		}{
			{"no bytes at all", nil, Limits{}, functions.Unreadable, "empty"},
			{"text", []byte("hello"), Limits{}, functions.Unsupported, "JPEG, PNG, GIF, WebP, AVIF, JPEG XL, BMP and TIFF"},
			{"SVG", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), Limits{}, functions.Unsupported, "this is SVG, which is not read; JPEG"},
			{"more bytes than the limit", png, Limits{MaxBytes: int64(len(png)) - 1}, functions.TooLarge, "MB"},
			{"more pixels than the limit", png, Limits{MaxPixels: 64*48 - 1}, functions.TooLarge, "64x48"},
			{"a few bytes that claim more pixels than the limit", patched(jpeg, sof+5, 0xff, 0xff, 0xff, 0xff), Limits{}, functions.TooLarge, "65535x65535"},
			{"a PNG of width 0", patched(png, 16, 0, 0, 0, 0), Limits{}, functions.Unreadable, "PNG"},
			{"a JPEG of height 0", patched(jpeg, sof+5, 0, 0), Limits{}, functions.Unreadable, "no pixels"},
			{"a JPEG cut in the middle", jpeg[:len(jpeg)/2], Limits{}, functions.Unreadable, "JPEG"},
			{"a PNG cut in the middle", png[:len(png)/2], Limits{}, functions.Unreadable, "PNG"},
			{"a GIF cut in the middle", made["gif"][:len(made["gif"])/2], Limits{}, functions.Unreadable, "GIF"},
			{"a BMP cut in the middle", bmp[:len(bmp)/2], Limits{}, functions.Unreadable, "ends too early"},
			{"a TIFF cut in the middle", made["tiff"][:len(made["tiff"])/2], Limits{}, functions.Unreadable, "TIFF"},
			{"a WebP without a frame", []byte("RIFF\x04\x00\x00\x00WEBP"), Limits{}, functions.Unreadable, "ends too early"},
			{"arithmetic coding", patched(jpeg, sof, 0xff, 0xc9), Limits{}, functions.Unsupported, "this kind of JPEG"},
			{"a compressed BMP", patched(bmp, 30, 1), Limits{}, functions.Unsupported, "this kind of BMP"},
			{"a JPEG of a thousand scans", manyScans(jpeg, 1000), Limits{}, functions.Unsupported, "this kind of JPEG"},
			{"a JPEG of many scans of many pixels", scanBomb(t), Limits{}, functions.Unsupported, "this kind of JPEG"},
			{"a TIFF that reads one tile again and again", sameTile(t), Limits{}, functions.Unreadable, "TIFF"},
		} {
			t.Run(test.name, func(t *testing.T) {
				test.limits.JPEG = jpegs
				p, err := Decode(test.data, test.limits)
				if err == nil {
					t.Fatalf("read as %+v", p.Picture)
				}
				if kind := functions.KindOf(err); kind != test.kind || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: %v; want %s that says %q", kind, err, test.kind, test.says)
				}
			})
		}
	})
}

// manyScans repeats the start of a JPEG's scan.
func manyScans(jpeg []byte, n int) []byte {
	at := bytes.Index(jpeg, []byte{0xff, markerSOS})
	scan := jpeg[at : at+2+int(binary.BigEndian.Uint16(jpeg[at+2:]))]
	return bytes.Join([][]byte{jpeg[:at], bytes.Repeat(scan, n), jpeg[at:]}, nil)
}

// scanBomb has 40 scans of 49 megapixels, and as many bytes as those need.
func scanBomb(t testing.TB) []byte {
	data := encodings(t, quadrants(64, 48), 1)["jpeg"]
	copy(data[bytes.Index(data, []byte{0xff, 0xc0})+5:], []byte{0x1b, 0x58, 0x1b, 0x58}) // 7000x7000
	return append(manyScans(data, 39), make([]byte, 100_000)...)
}

// sameTile is a grey TIFF of 64x64 tiles that are all one deflate stream: a
// megabyte of empty blocks before the 64 bytes of a tile.
func sameTile(t testing.TB) []byte {
	t.Helper()
	stream := []byte{0x78, 0x01}
	stream = append(stream, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1<<20/5)...)
	stream = append(append(stream, 1, 64, 0, 0xbf, 0xff), make([]byte, 64)...)
	stream = binary.BigEndian.AppendUint32(stream, 64<<16|1) // Adler-32 of 64 zeros
	const tags, tiles, streamAt = 9, 64 * 64, 8 + 2 + 9*12 + 4
	data := []byte("II*\x00\x08\x00\x00\x00")
	data = binary.LittleEndian.AppendUint16(data, tags)
	tag := func(id, kind uint16, count, value uint32) {
		data = binary.LittleEndian.AppendUint16(data, id)
		data = binary.LittleEndian.AppendUint16(data, kind)
		data = binary.LittleEndian.AppendUint32(data, count)
		data = binary.LittleEndian.AppendUint32(data, value)
	}
	const short, long = 3, 4
	offsetsAt := uint32(streamAt + len(stream))
	tag(0x100, long, 1, 64*8)
	tag(0x101, long, 1, 64*8)
	tag(0x102, short, 1, 8)
	tag(0x103, short, 1, 8) // deflate
	tag(0x106, short, 1, 1) // black is zero
	tag(0x142, long, 1, 8)
	tag(0x143, long, 1, 8)
	tag(0x144, long, tiles, offsetsAt)
	tag(0x145, long, tiles, offsetsAt+4*tiles)
	data = append(data, 0, 0, 0, 0)
	data = append(data, stream...)
	for range tiles {
		data = binary.LittleEndian.AppendUint32(data, streamAt)
	}
	for range tiles {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(stream)))
	}
	if _, err := tiff.DecodeConfig(bytes.NewReader(data)); err != nil {
		t.Fatalf("the TIFF is not well made: %v", err)
	}
	return data
}

func TestAHeaderAloneTakesNoMemory(t *testing.T) {
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		made := encodings(t, quadrants(16, 16), 1)
		sof := bytes.Index(made["jpeg"], []byte{0xff, 0xc0})
		jpeg, bmp := made["jpeg"], made["bmp"]
		copy(jpeg[sof+5:], []byte{0x1b, 0x58, 0x1b, 0x58}) // 7000x7000
		copy(bmp[18:], []byte{0x58, 0x1b, 0, 0, 0x58, 0x1b, 0, 0})
		header := []byte("IHDR\x00\x00\x1b\x58\x00\x00\x1b\x58\x08\x06\x00\x00\x00")
		png := withChunk(make([]byte, 33), "IHDR", header[4:])[33:]
		png = append([]byte("\x89PNG\r\n\x1a\n"), png...)
		for name, data := range map[string][]byte{"jpeg": jpeg, "bmp": bmp, "png": png} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Decode(data, Limits{JPEG: jpegs})
			runtime.ReadMemStats(&after)
			if functions.KindOf(err) != functions.Unreadable {
				t.Errorf("%s: %v, want it unreadable", name, err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 2<<20 {
				t.Errorf("%s: %d bytes taken for a picture of %d bytes", name, taken, len(data))
			}
		}
	})
}

func TestAJPEGWithoutItsEndMarkerIsWhole(t *testing.T) {
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		data := encodings(t, quadrants(16, 16), 1)["jpeg"]
		if _, err := Decode(data[:len(data)-2], Limits{JPEG: jpegs}); err != nil {
			t.Error(err)
		}
	})
}

func TestColourUnderTransparentPixelsIsTheRealOne(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 2, 2))
	for i := range 4 {
		copy(img.Pix[4*i:], []byte{200, 100, 50, uint8(80 * i)})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p, err := Decode(b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if c := at(p, i%2, i/2); !near(c, color.NRGBA{R: 200, G: 100, B: 50}, 0) {
			t.Errorf("alpha %d: %v, want 200 100 50", 80*i, c)
		}
	}
}

func TestAnAnimationsFirstFrameLiesOnItsCanvas(t *testing.T) {
	// The canvas of the one-pixel animation grows to 4x4, its frame moves to (2, 2).
	data := bytes.Clone(tinyWebPs(t)["animated"])
	data[24], data[27] = 3, 3
	frame := bytes.Index(data, []byte("ANMF")) + 8
	data[frame], data[frame+3] = 1, 1
	p, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Width != 4 || p.Height != 4 {
		t.Errorf("%dx%d, want 4x4", p.Width, p.Height)
	}
	data[frame] = 2 // (4, 2) is outside
	if _, err := Decode(data, Limits{}); functions.KindOf(err) != functions.Unreadable {
		t.Errorf("a frame outside of its canvas: %v, want it unreadable", err)
	}
}

func TestTheAwkwardAreReadAndTheBrokenRefused(t *testing.T) {
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		var manifest []struct{ File, Expect string }
		if err := json.Unmarshal(sharedFile(t, "images/manifest.json"), &manifest); err != nil {
			t.Fatal(err)
		}
		for _, entry := range manifest {
			t.Run(entry.File, func(t *testing.T) {
				data := sharedFile(t, "images/"+entry.File)
				_, err := Decode(data, Limits{JPEG: jpegs})
				if read := err == nil; read && strings.HasPrefix(entry.Expect, "reject") || !read && entry.Expect == "decode" {
					t.Errorf("to be expected: %s; error: %v", entry.Expect, err)
				}
				if kind := functions.KindOf(err); err != nil && kind == functions.Internal {
					t.Errorf("refused as our own fault: %v", err)
				}
				if err != nil {
					t.Logf("%v", err)
				}
			})
		}
	})
}
