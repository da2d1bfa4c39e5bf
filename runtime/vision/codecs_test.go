package vision

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// fakeCodecs say what they were given, and hand on what they have.
type fakeCodecs struct {
	image   image.Image
	colours Colours
	fail    error
	stream  []byte
	bounds  Bounds
}

func (f *fakeCodecs) AV1(stream []byte, bounds Bounds) (image.Image, Colours, error) {
	f.stream, f.bounds = bytes.Clone(stream), bounds
	return f.image, f.colours, f.fail
}

func (f *fakeCodecs) JXL(file []byte, bounds Bounds) (*image.NRGBA, []byte, error) {
	f.stream, f.bounds = bytes.Clone(file), bounds
	pixels, _ := f.image.(*image.NRGBA)
	return pixels, nil, f.fail
}

// box is a box of ISO/IEC 14496-12.
func box(kind string, parts ...string) string {
	body := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32(nil, uint32(8+len(body)))) + kind + body
}

const fullBox = "\x00\x00\x00\x00"

// anAVIF is one of 4x2 pixels whose item has the stream in the meta box, and the
// properties, each with the flag of the essential ones.
func anAVIF(stream string, properties ...string) []byte {
	properties = append([]string{box("ispe", fullBox, "\x00\x00\x00\x04\x00\x00\x00\x02")}, properties...)
	used := string([]byte{byte(len(properties))})
	for i := range properties {
		used += string([]byte{0x80 | byte(i+1)})
	}
	length := string(binary.BigEndian.AppendUint32(nil, uint32(len(stream))))
	return []byte(box("ftyp", "avif\x00\x00\x00\x00avif") + box("meta", fullBox,
		box("pitm", fullBox, "\x00\x07"),
		box("iinf", fullBox, "\x00\x01", box("infe", "\x02\x00\x00\x00", "\x00\x07\x00\x00av01\x00")),
		box("iprp", box("ipco", properties...), box("ipma", fullBox, "\x00\x00\x00\x01\x00\x07", used)),
		box("iloc", "\x01\x00\x00\x00", "\x44\x00", "\x00\x02",
			"\x00\x03\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", // another item
			"\x00\x07\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00", length),
		box("idat", stream)))
}

func TestContainersTellWhatTheirPictureIs(t *testing.T) {
	planes := testYCbCr(4, 2, image.YCbCrSubsampleRatio420)
	for name, test := range map[string]struct {
		data        []byte
		fail        error
		orientation orientation
		kind        functions.Kind
	}{
		"plain":                         {data: anAVIF("stream"), orientation: 1},
		"turned, then mirrored":         {data: anAVIF("stream", box("irot", "\x01"), box("imir", "\x01")), orientation: 7},
		"mirrored, then turned":         {data: anAVIF("stream", box("imir", "\x01"), box("irot", "\x01")), orientation: 5},
		"cut out of a larger one":       {data: anAVIF("stream", box("clap", strings.Repeat("\x00", 32))), kind: functions.Unsupported},
		"of a property nobody knows":    {data: anAVIF("stream", box("what")), kind: functions.Unsupported},
		"a property cut off":            {data: anAVIF("stream", box("irot")), kind: functions.Unreadable},
		"a stream that is damaged":      {data: anAVIF("stream"), fail: errors.New("no"), kind: functions.Unreadable},
		"a stream that takes too much":  {data: anAVIF("stream"), fail: ErrTooMuch, kind: functions.TooLarge},
		"a track and no item":           {data: []byte(box("ftyp", "avis\x00\x00\x00\x00avis") + box("moov")), kind: functions.Unsupported},
		"no primary item":               {data: []byte(box("ftyp", "avif\x00\x00\x00\x00avif") + box("meta", fullBox)), kind: functions.Unreadable},
		"more properties than are read": {data: anAVIF("stream", slicesOf(box("pixi"), 70)...), kind: functions.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			codecs := &fakeCodecs{image: planes, colours: Colours{Matrix: 6, Full: true}, fail: test.fail}
			p, err := Decode(test.data, Limits{Codecs: codecs})
			if (err == nil) != (test.kind == "") || err != nil && functions.KindOf(err) != test.kind {
				t.Fatalf("%v; want kind %q", err, test.kind)
			}
			if err != nil {
				return
			}
			if string(codecs.stream) != "stream" || codecs.bounds.Pixels != 8 {
				t.Errorf("the codec was given %q and %+v", codecs.stream, codecs.bounds)
			}
			if p.orientation != test.orientation {
				t.Errorf("orientation %d, want %d", p.orientation, test.orientation)
			}
		})
	}
}

func slicesOf(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// Items that have 65535 extents of no bytes each must not be gone through one by one:
// there are four thousand million of them here.
func TestACatalogueOfNothingCostsNoTime(t *testing.T) {
	entry := "\x00\x09\x00\x00\xff\xff"
	data := []byte(box("ftyp", "avif\x00\x00\x00\x00avif") + box("meta", fullBox,
		box("pitm", fullBox, "\x00\x07"), box("iloc", fullBox, "\x00\x00", "\xff\xff", strings.Repeat(entry, 0xffff))))
	if _, err := Decode(data, Limits{Codecs: &fakeCodecs{}}); functions.KindOf(err) != functions.Unreadable {
		t.Error(err)
	}
}

func TestACodecMayTakeNoMoreThanThePictureIsWorth(t *testing.T) {
	for _, test := range []struct {
		name string
		head header
		data int
		most int64
	}{
		{"a small one", header{width: 64, height: 48}, 1000, codecMemory + 64*48*32},
		{"a large one of many bytes", header{width: 4000, height: 3000}, 6_000_000, codecMemory + 12_000_000*32},
		{"a large one of few bytes", header{width: 2000, height: 1500}, 1000, freeBytes},
	} {
		if got := test.head.bounds(make([]byte, test.data), 32, 4).Memory; got > test.most || got < codecMemory {
			t.Errorf("%s: %d bytes, at most %d", test.name, got, test.most)
		}
	}
}

func TestJXLHeadersTellTheSize(t *testing.T) {
	for name, test := range map[string]struct {
		bits          string // as they are read
		width, height int
		orientation   orientation
	}{
		"eights, square":            {"1 00100 100 1", 40, 40, 1},
		"eights, of two sides":      {"1 00000 000 11000 1", 32, 8, 1},
		"16:9":                      {"0 00 111110100 101 1", 0, 0, 1},
		"turned":                    {"1 00100 100 0 1 101", 40, 40, 6},
		"cut off":                   {"1 001", 0, 0, 0},
		"no default, not turned":    {"1 00100 100 0 0", 40, 40, 1},
		"of nine bits each":         {"0 00 100000000 000 00 010000000 1", 3, 2, 1},
		"a wide one of thirty bits": {"0 11 " + strings.Repeat("1", 30) + " 100 1", 1 << 30, 1 << 30, 1},
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte{0xff, 0x0a}
			bits := strings.ReplaceAll(test.bits, " ", "")
			for i := range len(bits) {
				if i%8 == 0 {
					data = append(data, 0)
				}
				data[len(data)-1] |= (bits[i] - '0') << (i % 8)
			}
			head, err := jxlHeader(data)
			if test.orientation == 0 {
				if err == nil {
					t.Errorf("%+v", head)
				}
				return
			}
			if name == "16:9" { // by the height alone
				test.height = 1 + 0b001011111
				test.width = test.height * 16 / 9
			}
			if err != nil || head.width != test.width || head.height != test.height || head.orientation != test.orientation {
				t.Errorf("%dx%d, orientation %d, %v; want %dx%d, %d", head.width, head.height, head.orientation, err, test.width, test.height, test.orientation)
			}
		})
	}
}

func TestColoursBecomeThoseOfPackageImage(t *testing.T) {
	for name, test := range map[string]struct {
		colours    Colours
		y, cb, cr  uint8
		r, g, b    uint32
		unreadable bool
	}{
		"white, limited":            {Colours{Matrix: 6}, 235, 128, 128, 255, 255, 255, false},
		"black, limited":            {Colours{Matrix: 1}, 16, 128, 128, 0, 0, 0, false},
		"red of BT.709, limited":    {Colours{Matrix: 1}, 63, 102, 240, 255, 0, 0, false},
		"blue of BT.2020, full":     {Colours{Matrix: 9, Full: true}, 15, 255, 117, 0, 0, 255, false},
		"green as it is":            {Colours{Matrix: 0, Full: true}, 255, 0, 0, 0, 255, 0, false},
		"a matrix nobody has heard": {Colours{Matrix: 99, Full: true}, 1, 1, 1, 0, 0, 0, true},
	} {
		img := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio444)
		img.Y[0], img.Cb[0], img.Cr[0] = test.y, test.cb, test.cr
		plain, err := test.colours.plain(img)
		if (err != nil) != test.unreadable {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		r, g, b, _ := plain.At(0, 0).RGBA()
		for i, pair := range [][2]uint32{{r >> 8, test.r}, {g >> 8, test.g}, {b >> 8, test.b}} {
			if d := int(pair[0]) - int(pair[1]); d < -3 || d > 3 {
				t.Errorf("%s: channel %d is %d, want %d", name, i, pair[0], pair[1])
			}
		}
	}
}

func FuzzContainers(f *testing.F) {
	f.Add(anAVIF("stream", box("irot", "\x01"), box("colr", "nclx\x00\x01\x00\x0d\x00\x06\x80")))
	f.Add([]byte("\xff\x0a\x41\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x0cJXL \r\n\x87\n" + box("ftyp", "jxl ") + box("jxlc", "\xff\x0a\x41\x00\x00")))
	f.Fuzz(func(t *testing.T, data []byte) {
		codecs := &fakeCodecs{fail: errors.New("nothing is decoded")}
		if format := functions.FormatOf(data); format != "avif" && format != "jxl" {
			return
		}
		_, err := Decode(data, Limits{Codecs: codecs, MaxBytes: 1 << 16})
		if err == nil || functions.KindOf(err) == functions.Internal {
			t.Fatalf("%v", err)
		}
		if b := codecs.bounds; codecs.stream != nil && (b.Pixels > DefaultMaxPixels || b.Memory > freeBytes+bytesPerByte*1<<16) {
			t.Fatalf("bounds of %+v", b)
		}
	})
}
