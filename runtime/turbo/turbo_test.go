package turbo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func open(t testing.TB) *Library {
	t.Helper()
	l, name, err := Find(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		t.Skip(err)
	}
	t.Logf("using %s", name)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func encode(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// slopes rises to the right in luma and downwards in Cb.
func slopes(width, height int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	for y := range height {
		for x := range width {
			img.Y[img.YOffset(x, y)] = uint8(x * 255 / width)
			img.Cb[img.COffset(x, y)] = uint8(64 + y*128/height)
			img.Cr[img.COffset(x, y)] = 100
		}
	}
	return img
}

func TestDecode(t *testing.T) {
	l := open(t)
	// Go's encoder subsamples all but grey.
	colour, grey := encode(t, slopes(203, 151, image.YCbCrSubsampleRatio420)), encode(t, image.NewGray(image.Rect(0, 0, 61, 47)))
	planes := new(image.YCbCr)
	for _, shrink := range []int{1, 2, 4, 8} {
		if err := l.Decode(planes, colour, image.Pt(203, 151), shrink); err != nil {
			t.Fatal(err)
		}
		width, height := (203+shrink-1)/shrink, (151+shrink-1)/shrink
		if got := planes.Rect.Size(); got != image.Pt(width, height) || planes.SubsampleRatio != image.YCbCrSubsampleRatio420 {
			t.Errorf("1/%d: %v %v, want %dx%d in 4:2:0", shrink, got, planes.SubsampleRatio, width, height)
		}
		x, y := width/2, height/2
		got := color.YCbCr{Y: planes.Y[planes.YOffset(x, y)], Cb: planes.Cb[planes.COffset(x, y)], Cr: planes.Cr[planes.COffset(x, y)]}
		// The middle of the sample, in pixels of the picture.
		midX, midY := (2*x+1)*shrink/2, (2*(y/2)+1)*shrink
		want := color.YCbCr{Y: uint8(midX * 255 / 203), Cb: uint8(64 + midY*128/151), Cr: 100}
		if far(got.Y, want.Y) > 2 || far(got.Cb, want.Cb) > 2 || far(got.Cr, want.Cr) > 2 {
			t.Errorf("1/%d: the middle is %v, want %v", shrink, got, want)
		}
	}
	if err := l.Decode(planes, grey, image.Pt(61, 47), 2); err != nil {
		t.Fatal(err)
	}
	if len(planes.Cb) != 0 || planes.Rect.Size() != image.Pt(31, 24) || len(planes.Y) < 31*24 {
		t.Errorf("grey: %v with %d samples of luma, %d of chroma", planes.Rect, len(planes.Y), len(planes.Cb))
	}
}

func far(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

func TestPlanesAreUsedAgain(t *testing.T) {
	l := open(t)
	large, small := encode(t, slopes(160, 120, image.YCbCrSubsampleRatio420)), encode(t, slopes(40, 30, image.YCbCrSubsampleRatio420))
	planes := new(image.YCbCr)
	if err := l.Decode(planes, large, image.Pt(160, 120), 1); err != nil {
		t.Fatal(err)
	}
	first := &planes.Y[0]
	if err := l.Decode(planes, small, image.Pt(40, 30), 1); err != nil {
		t.Fatal(err)
	}
	if &planes.Y[0] != first || len(planes.Y) != 40*30 {
		t.Errorf("%d samples of luma, in the same memory: %v", len(planes.Y), &planes.Y[0] == first)
	}
}

func TestRefusals(t *testing.T) {
	l := open(t)
	good := encode(t, slopes(64, 48, image.YCbCrSubsampleRatio420))
	scan := bytes.Index(good, []byte{0xff, 0xda})
	damaged := bytes.Clone(good)
	copy(damaged[scan+14:], bytes.Repeat([]byte{0xff, 0xd0}, 20))
	rgb := bytes.Clone(good)
	for i, id := range []byte("RGB") { // the component ids in SOF and SOS
		rgb[bytes.Index(rgb, []byte{0xff, 0xc0})+10+3*i] = id
		rgb[scan+5+2*i] = id
	}
	for _, test := range []struct {
		name   string
		data   []byte
		size   image.Point
		shrink int
		says   string
	}{
		{"no bytes", nil, image.Pt(64, 48), 1, "0 bytes"},
		{"no JPEG", []byte("hello, I am text and no picture"), image.Pt(64, 48), 1, "header"},
		{"another size than was judged", good, image.Pt(48, 64), 1, "not (48,64)"},
		{"a third", good, image.Pt(64, 48), 3, "shrunk by 3"},
		{"a JPEG cut in its scan", good[:scan+40], image.Pt(64, 48), 1, "Premature end"},
		{"a JPEG damaged in its scan", damaged, image.Pt(64, 48), 1, "decoding"},
		{"a JPEG that stores RGB", rgb, image.Pt(64, 48), 1, "colour space"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := l.Decode(new(image.YCbCr), test.data, test.size, test.shrink)
			if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v; want a refusal that says %q", err, test.says)
			}
		})
	}
}

func TestTheMemoryOfPlanes(t *testing.T) {
	for _, test := range []struct {
		name                string
		size                image.Point
		shrink, subsampling int
		want                [4]int // bytes of luma and of chroma, then the strides
	}{
		{"4:4:4", image.Pt(5, 3), 1, 0, [4]int{15, 15, 5, 5}},
		{"4:2:2 of odd width", image.Pt(5, 3), 1, 1, [4]int{18, 9, 6, 3}},
		{"4:2:0 of odd size", image.Pt(5, 3), 1, 2, [4]int{24, 6, 6, 3}},
		{"4:2:0 at a half", image.Pt(5, 3), 2, 2, [4]int{8, 2, 4, 2}},
		{"grey", image.Pt(5, 3), 1, 3, [4]int{15, 0, 5, 0}},
		{"4:4:0", image.Pt(5, 3), 1, 4, [4]int{20, 10, 5, 5}},
		{"4:1:1", image.Pt(5, 3), 1, 5, [4]int{24, 6, 8, 2}},
	} {
		var p image.YCbCr
		if err := layout(&p, test.size, test.shrink, test.subsampling); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, [4]int{len(p.Y), len(p.Cb), p.YStride, p.CStride}); diff != "" || len(p.Cr) != len(p.Cb) {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
	if err := layout(new(image.YCbCr), image.Pt(5, 3), 1, 6); !errors.Is(err, errRefused) {
		t.Errorf("4:4:1, which image has no name for: %v", err)
	}
}

func TestALibraryThatIsNone(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libturbojpeg.so.0")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{text, filepath.Join(t.TempDir(), "absent.so")} {
		if _, _, err := Find(named); err == nil || !strings.Contains(err.Error(), "./task setup") {
			t.Errorf("%s: %v; want an error that says how to get one", named, err)
		}
	}
	if _, _, err := Find("libc.so.6"); err == nil {
		t.Error("a bare name was searched in the system's folders")
	}
}

// guarded are planes whose memory goes on behind them, with a pattern to tell
// whether it was written on.
func guarded() *image.YCbCr {
	memory := func() []byte { return bytes.Repeat([]byte{0xa5}, 1<<15) }
	return &image.YCbCr{Y: memory(), Cb: memory(), Cr: memory()}
}

func checkGuards(t *testing.T, planes *image.YCbCr) {
	t.Helper()
	for name, plane := range map[string][]byte{"Y": planes.Y, "Cb": planes.Cb, "Cr": planes.Cr} {
		behind := plane[len(plane):cap(plane)]
		if bytes.Count(behind[:min(len(behind), 1<<12)], []byte{0xa5}) != min(len(behind), 1<<12) {
			t.Fatalf("%v: what lies behind %s was written on", planes.Rect, name)
		}
	}
}

func TestNothingIsWrittenBehindThePlanes(t *testing.T) {
	l := open(t)
	for width := 1; width <= 34; width += 3 {
		for height := 1; height <= 34; height += 3 {
			for shrink := 1; shrink <= 8; shrink *= 2 {
				data := encode(t, slopes(width, height, image.YCbCrSubsampleRatio420))
				for _, factors := range samplings {
					planes := guarded()
					// Only 4:2:0 is whole: of the others some are refused, late.
					err := l.Decode(planes, sampled(data, factors), image.Pt(width, height), shrink)
					if err != nil && factors == 0x22 {
						t.Fatal(err)
					}
					checkGuards(t, planes)
				}
			}
		}
	}
}

// samplings are luma's sampling factors in a frame header.
var samplings = []byte{0x22, 0x11, 0x21, 0x12, 0x41}

// sampled is a JPEG with other sampling factors in its header.
func sampled(data []byte, factors byte) []byte {
	data = bytes.Clone(data)
	data[bytes.Index(data, []byte{0xff, 0xc0})+11] = factors
	return data
}

func FuzzDecode(f *testing.F) {
	l := open(f)
	for i, factors := range samplings {
		f.Add(sampled(encode(f, slopes(33, 17, image.YCbCrSubsampleRatio420)), factors), uint8(i))
	}
	f.Add(encode(f, image.NewGray(image.Rect(0, 0, 9, 9))), uint8(3))
	folder := os.Getenv("SACCADE_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, _ := filepath.Glob(filepath.Join(folder, "images", "odd", "*.jpg"))
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil && len(data) < 1<<16 {
			f.Add(data, uint8(1))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, shrink uint8) {
		planes := guarded()
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || config.Width*config.Height > 1<<14 {
			return
		}
		size, by := image.Pt(config.Width, config.Height), 1<<(shrink%4)
		err = l.Decode(planes, data, size, by)
		checkGuards(t, planes)
		if err != nil {
			return
		}
		if want := image.Pt((size.X+by-1)/by, (size.Y+by-1)/by); planes.Rect.Size() != want {
			t.Fatalf("%v, want %v", planes.Rect, want)
		}
		last := planes.Rect.Max.Sub(image.Pt(1, 1))
		if at := planes.YOffset(last.X, last.Y); at >= len(planes.Y) {
			t.Fatalf("%d samples of luma, and the last is at %d", len(planes.Y), at)
		}
		if at := planes.COffset(last.X, last.Y); len(planes.Cb) > 0 && at >= len(planes.Cb) {
			t.Fatalf("%d samples of chroma, and the last is at %d", len(planes.Cb), at)
		}
	})
}
