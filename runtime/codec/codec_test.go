package codec

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// codecs are compiled once for a test.
func codecs(t testing.TB) *Codecs {
	t.Helper()
	c := New()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func shipped(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// drawn is the whole upright picture: a drawing without boxes.
func drawn(t testing.TB, p *vision.Picture) image.Image {
	t.Helper()
	data, err := vision.Draw(p, nil, "png")
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// apart is how far two pictures of a size are from one another, the root of the mean
// square of 8 bits.
func apart(a, b image.Image) float64 {
	var sum float64
	size := a.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			r, g, bl, _ := a.At(x, y).RGBA()
			r2, g2, bl2, _ := b.At(x, y).RGBA()
			for _, d := range []float64{float64(r) - float64(r2), float64(g) - float64(g2), float64(bl) - float64(bl2)} {
				sum += d * d / 257 / 257
			}
		}
	}
	return math.Sqrt(sum / float64(3*size.X*size.Y))
}

// moved is a picture of the given size that has at x, y what img has where from says.
func moved(img image.Image, width, height int, from func(x, y int) (int, int)) image.Image {
	into := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			fx, fy := from(x, y)
			into.Set(x, y, img.At(fx, fy))
		}
	}
	return into
}

func TestPicturesAreWhatTheyWereMadeOf(t *testing.T) {
	c := codecs(t)
	original := func(name string) image.Image {
		img, err := png.Decode(bytes.NewReader(shipped(t, name)))
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	waves, grey := original("waves.png"), original("grey.png")
	for name, tt := range map[string]struct {
		of   image.Image
		most float64
	}{
		"420.avif":          {waves, 3},
		"420-12bit.avif":    {waves, 3},
		"422-limited.avif":  {waves, 3},
		"444-10bit.avif":    {waves, 2},
		"709.avif":          {waves, 2},
		"2020-limited.avif": {waves, 2},
		"lossless.avif":     {waves, 0},
		"grey.avif":         {grey, 2},
		"moving.avif":       {waves, 4}, // the first of two
		"lossy.jxl":         {waves, 4},
		"lossless.jxl":      {waves, 0},
		"boxes.jxl":         {waves, 4},
		"progressive.jxl":   {waves, 4},
		"of-a-jpeg.jxl":     {waves, 4},
		"grey.jxl":          {grey, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := vision.Decode(shipped(t, name), vision.Limits{Codecs: c})
			if err != nil {
				t.Fatal(err)
			}
			if _, format, _ := strings.Cut(name, "."); p.Width != 64 || p.Height != 48 || p.Format != format {
				t.Errorf("it is %+v", p.Picture)
			}
			if d := apart(drawn(t, p), tt.of); d > tt.most {
				t.Errorf("%.2f of 255 from what it was made of, at most %v", d, tt.most)
			}
		})
	}
	t.Run("moving.jxl", func(t *testing.T) { // red squares, then green ones
		p, err := vision.Decode(shipped(t, "moving.jxl"), vision.Limits{Codecs: c})
		if err != nil {
			t.Fatal(err)
		}
		if r, g, _, _ := drawn(t, p).At(2, 2).RGBA(); r>>8 != 200 || g>>8 != 30 {
			t.Errorf("the first frame is not what is shown: %d, %d", r>>8, g>>8)
		}
	})
}

// A quarter turn is one to the left, as in ISO/IEC 23008-12, 6.5.10; then the upper and
// the lower half change places, or left and right.
func TestTurnsAndMirrorsAreUndone(t *testing.T) {
	c := codecs(t)
	stored, err := vision.Decode(shipped(t, "irot0.avif"), vision.Limits{Codecs: c})
	if err != nil {
		t.Fatal(err)
	}
	want := drawn(t, stored)
	for _, name := range []string{"irot0", "irot1", "irot2", "irot3"} {
		size := want.Bounds().Size()
		for suffix, want := range map[string]image.Image{
			"":       want,
			"-imir0": moved(want, size.X, size.Y, func(x, y int) (int, int) { return x, size.Y - 1 - y }),
			"-imir1": moved(want, size.X, size.Y, func(x, y int) (int, int) { return size.X - 1 - x, y }),
		} {
			p, err := vision.Decode(shipped(t, name+suffix+".avif"), vision.Limits{Codecs: c})
			if err != nil {
				t.Fatal(err)
			}
			if got := (image.Point{X: p.Width, Y: p.Height}); got != size {
				t.Fatalf("%s%s is %v", name, suffix, got)
			}
			if d := apart(drawn(t, p), want); d > 0.01 {
				t.Errorf("%s%s: %.2f of 255 from the picture turned and mirrored", name, suffix, d)
			}
		}
		want = moved(want, size.Y, size.X, func(x, y int) (int, int) { return size.X - 1 - y, x })
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	c := codecs(t)
	limits := vision.Limits{Codecs: c}
	avif, jxl := shipped(t, "420.avif"), shipped(t, "lossy.jxl")
	for _, data := range [][]byte{avif, jxl} {
		for n := range len(data) - 1 { // every beginning
			if n < 32 || n%7 == 0 {
				p, err := vision.Decode(data[:n], limits)
				if kind := functions.KindOf(err); err == nil || kind != functions.Unreadable && kind != functions.Unsupported {
					if err == nil && n > len(data)/2 {
						continue // libjxl and dav1d may be content with less than all
					}
					t.Errorf("%d bytes of %d: %+v, %v", n, len(data), p, err)
				}
			}
		}
	}
	huge := bytes.Clone(avif)
	at := bytes.Index(huge, []byte("ispe")) + 8
	for _, tt := range []struct {
		name          string
		width, height uint32
		limits        vision.Limits
		kind          functions.Kind
	}{
		{"a hundred megapixels by its own account", 10000, 10000, limits, functions.TooLarge},
		{"more than it is worth", 7000, 7000, limits, functions.TooLarge},
		{"another size than its stream's", 64, 64, limits, functions.Unreadable},
		{"less than its stream's", 32, 32, limits, functions.Unreadable},
		{"no pixels", 0, 48, limits, functions.Unreadable},
		{"no codecs", 64, 48, vision.Limits{}, functions.Unsupported},
	} {
		binary.BigEndian.PutUint32(huge[at:], tt.width)
		binary.BigEndian.PutUint32(huge[at+4:], tt.height)
		if _, err := vision.Decode(huge, tt.limits); functions.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.[aj]*")
	if err != nil || len(files) < 20 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		f.Add(shipped(f, filepath.Base(file)))
	}
	limits := vision.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 18, Codecs: codecs(f)}
	in := vision.NewInput(vision.Layout{Size: 32, Pad: 114, Divisor: 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		if format := functions.FormatOf(data[:min(len(data), functions.FormatBytes)]); format != "avif" && format != "jxl" {
			return
		}
		p, err := vision.Decode(data, limits)
		if err != nil {
			if functions.KindOf(err) == functions.Internal {
				t.Fatal(err)
			}
			return
		}
		defer p.Release()
		if int64(p.Width)*int64(p.Height) > limits.MaxPixels || p.Width < 1 || p.Height < 1 {
			t.Fatalf("a picture of %dx%d", p.Width, p.Height)
		}
		tensor := make([]float32, in.Len())
		in.Fill(tensor, p)
		for _, v := range tensor {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("a value of %v", v)
			}
		}
	})
}
