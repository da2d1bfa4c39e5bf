package vision

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// tensorOf is what a network of 320 pixels sees of the picture, in bytes.
func tensorOf(p *Picture) []float32 {
	in := NewInput(Layout{Size: 320, Pad: 114, Divisor: 1})
	tensor := make([]float32, in.Len())
	in.Fill(tensor, p)
	return tensor
}

// apart is how far two tensors are, on average and at most.
func apart(a, b []float32) (mean, most float64) {
	for i := range a {
		d := math.Abs(float64(a[i] - b[i]))
		mean, most = mean+d/float64(len(a)), max(most, d)
	}
	return mean, most
}

func encodedJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBothDecodersShowANetworkTheSame(t *testing.T) {
	library := turboLibrary(t)
	if library == nil {
		t.Skip("no libjpeg-turbo")
	}
	jpegs := NewJPEG(library)
	for _, name := range []string{
		"base", "exif2", "exif3", "exif6", "progressive", "jpeg444", "gray", "icc_p3", "wide_3000x20", "tiny_1x1", "mosaic_12mp",
	} {
		t.Run(name, func(t *testing.T) {
			compareDecoders(t, sharedFile(t, "images/odd/"+name+".jpg"), jpegs, 1)
		})
	}
	large := image.NewYCbCr(image.Rect(0, 0, 4203, 4001), image.YCbCrSubsampleRatio420)
	for i := range large.Y {
		large.Y[i] = uint8(i % large.YStride / 17)
	}
	for i := range large.Cb {
		large.Cb[i], large.Cr[i] = uint8(i%large.CStride/9), uint8(i/large.CStride/9)
	}
	t.Run("a large one of odd size", func(t *testing.T) { compareDecoders(t, encodedJPEG(t, large), jpegs, 2) })
	grey := image.NewGray(image.Rect(0, 0, 4201, 4001))
	for i := range grey.Pix {
		grey.Pix[i] = uint8(i % grey.Stride / 20)
	}
	t.Run("a large grey one", func(t *testing.T) { compareDecoders(t, encodedJPEG(t, grey), jpegs, 2) })
}

func compareDecoders(t *testing.T, data []byte, jpegs *JPEG, shrink int) {
	t.Helper()
	slow, err := Decode(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	fast, err := Decode(data, Limits{JPEG: jpegs})
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Release()
	if fast.lent == nil {
		t.Fatal("image/jpeg decoded it")
	}
	if slow.Picture != fast.Picture || slow.shrink != shrink || fast.shrink != shrink {
		t.Errorf("in Go %+v at 1/%d, otherwise %+v at 1/%d; want 1/%d", slow.Picture, slow.shrink, fast.Picture, fast.shrink, shrink)
	}
	// Decoders round their cosines differently, and chroma then weighs up to 1.8.
	if mean, most := apart(tensorOf(slow), tensorOf(fast)); mean > 0.5 || most > 16 {
		t.Errorf("the tensors are %.2f apart, at most %.0f", mean, most)
	}
}

func TestALargeJPEGIsAveragedInItsPlace(t *testing.T) {
	// A disc: were the averaged pixels out of place, its edge would move.
	const width, height = 4211, 4003
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			if dx, dy := x-3000, y-2500; dx*dx+dy*dy < 1000*1000 {
				img.Pix[y*img.Stride+x] = 255
			}
		}
	}
	data := encodedJPEG(t, img)
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		p, err := Decode(data, Limits{JPEG: jpegs})
		if err != nil {
			t.Fatal(err)
		}
		if p.Width != width || p.Height != height || p.pixels.Bounds().Dx() != (width+1)/2 {
			t.Errorf("%dx%d, held as %v", p.Width, p.Height, p.pixels.Bounds().Size())
		}
		mean, _ := apart(tensorOf(picture(img, 1)), tensorOf(p))
		if mean > 0.5 {
			t.Errorf("the tensor is %.2f from that of all pixels", mean)
		}
	})
}

func TestAnAveragedJPEGIsDrawnOnWhole(t *testing.T) {
	// Stripes of one pixel are grey once averaged.
	img := image.NewGray(image.Rect(0, 0, 4200, 4000))
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 2 * 255)
	}
	data := encodedJPEG(t, img)
	eachDecoder(t, func(t *testing.T, jpegs *JPEG) {
		p, err := Decode(data, Limits{JPEG: jpegs})
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := Draw(p, nil, "png")
		if err != nil {
			t.Fatal(err)
		}
		// Stripes are few bytes, so that Decode would take it for a bomb.
		canvas, err := png.Decode(bytes.NewReader(drawn))
		if err != nil {
			t.Fatal(err)
		}
		dark, bright := color.GrayModel.Convert(canvas.At(2000, 2000)), color.GrayModel.Convert(canvas.At(2001, 2000))
		if canvas.Bounds() != img.Rect || dark.(color.Gray).Y > 40 || bright.(color.Gray).Y < 215 {
			t.Errorf("%v, and two stripes are %v and %v", canvas.Bounds(), dark, bright)
		}
	})
}

// stubborn decodes nothing.
type stubborn struct{ asked int }

func (s *stubborn) Decode(*image.YCbCr, []byte, image.Point, int) error {
	s.asked++
	return errors.New("no")
}

func TestWhatTheFastDecoderRefusesIsDecodedInGo(t *testing.T) {
	s := new(stubborn)
	limits := Limits{JPEG: NewJPEG(s)}
	for name, data := range encodings(t, quadrants(16, 12), 1) {
		p, err := Decode(data, limits)
		if err != nil || p.Width != 16 || !near(at(p, 2, 2), color.NRGBA{R: 255}, 8) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if s.asked != 1 {
		t.Errorf("it was asked %d times, want for the JPEG alone", s.asked)
	}
}

func TestADecodedPictureTakesNoNewMemory(t *testing.T) {
	library := turboLibrary(t)
	if library == nil {
		t.Skip("no libjpeg-turbo")
	}
	limits := Limits{JPEG: NewJPEG(library)}
	data := encodedJPEG(t, testYCbCr(1200, 900, image.YCbCrSubsampleRatio420))
	decode := func() {
		p, err := Decode(data, limits)
		if err != nil {
			t.Fatal(err)
		}
		p.Release()
	}
	decode()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 50
	for range times {
		decode()
	}
	runtime.ReadMemStats(&after)
	// The planes have 1.6 MB; a collection may empty the pool a few times.
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 800_000 {
		t.Errorf("%d bytes a picture", each)
	}
}

func TestFormatsThatAreNotReadAreNamed(t *testing.T) {
	box := func(brands string) string { return "\x00\x00\x00" + string(rune(8+len(brands))) + "ftyp" + brands }
	for _, test := range []struct{ name, data, says string }{
		{"HEIC", box("heic\x00\x00\x00\x00mif1heic"), "this is HEIC"},
		{"HEIF of another codec", box("mif1\x00\x00\x00\x00mif1"), "this is HEIF"},
		{"MP4", box("isom\x00\x00\x02\x00isomavc1"), "this is a video"},
		{"a JPEG XL, without codecs", "\xff\x0a\x41\x00\x00", "this is JPEG XL, for which"},
		{"JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n", "this is JPEG 2000"},
		{"PNM", "P6\n2 2\n255\n", "this is PNM"},
		{"SVG behind a declaration", "<?xml version='1.0'?><svg/>", "this is SVG"},
		{"HTML", "<!doctype html><html>", "these bytes are no picture"},
		{"words that start like PNM", "P1 is a priority", "these bytes are no picture"},
	} {
		_, err := Decode([]byte(test.data), Limits{})
		if functions.KindOf(err) != functions.Unsupported || !strings.HasPrefix(err.Error(), test.says) {
			t.Errorf("%s: %v; want that %s", test.name, err, test.says)
		}
	}
	for file, says := range map[string]string{"photo.avif": "AVIF", "photo.jp2": "JPEG 2000", "photo.ppm": "PNM"} {
		if _, err := Decode(sharedFile(t, "images/odd/"+file), Limits{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want that it is %s", file, err, says)
		}
	}
}
