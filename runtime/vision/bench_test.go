package vision

import (
	"image"
	"image/color"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/turbo/turbotest"
)

func BenchmarkDecode(b *testing.B) {
	for by, jpegs := range decoders(b) {
		for _, name := range []string{"images/bus.jpg", "images/odd/mosaic_12mp.jpg", "images/exact/bus.png", "images/odd/lossy.webp"} {
			b.Run(name+" "+by, func(b *testing.B) {
				data := sharedFile(b, name)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					p, err := Decode(data, Limits{JPEG: jpegs})
					if err != nil {
						b.Fatal(err)
					}
					p.Release()
				}
			})
		}
	}
}

// BenchmarkDecodeRatio is what decoding takes of what libjpeg-turbo takes by itself
// to scale the picture to a network's 640 pixels, both by turns.
func BenchmarkDecodeRatio(b *testing.B) {
	yardstick, err := turbotest.Open(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		b.Skip(err)
	}
	for by, jpegs := range decoders(b) {
		for _, name := range []string{"images/bus.jpg", "images/odd/mosaic_12mp.jpg"} {
			b.Run(name+" "+by, func(b *testing.B) {
				data := sharedFile(b, name)
				var ours, theirs []time.Duration
				for b.Loop() {
					start := time.Now()
					p, err := Decode(data, Limits{JPEG: jpegs})
					if err != nil {
						b.Fatal(err)
					}
					ours = append(ours, time.Since(start))
					start = time.Now()
					if err := yardstick.Decode(data, image.Pt(p.Width, p.Height), 640); err != nil {
						b.Fatal(err)
					}
					theirs = append(theirs, time.Since(start))
					p.Release()
				}
				reportRatio(b, ours, theirs)
			})
		}
	}
}

// BenchmarkFillRatio is what letterboxing a JPEG of 810x1080 pixels into 640 takes of
// what a plain program takes from the same picture, already in RGB.
func BenchmarkFillRatio(b *testing.B) {
	ycbcr := testYCbCr(810, 1080, image.YCbCrSubsampleRatio420)
	p := picture(ycbcr, 1)
	rgba := p.upright()
	in := NewInput(Layout{Size: 640, Place: Centred, Pad: 114, Divisor: 255})
	tensor := make([]float32, in.Len())
	var ours, plain []time.Duration
	for b.Loop() {
		start := time.Now()
		in.Fill(tensor, p)
		ours = append(ours, time.Since(start))
		start = time.Now()
		plainLetterbox(tensor, rgba, 640)
		plain = append(plain, time.Since(start))
	}
	reportRatio(b, ours, plain)
}

// plainLetterbox is how one writes it down.
func plainLetterbox(tensor []float32, img *image.RGBA, size int) {
	for i := range tensor {
		tensor[i] = 114. / 255
	}
	box := NewLetterbox(functions.Picture{Width: img.Rect.Dx(), Height: img.Rect.Dy()}, size, Centred)
	axis := func(i int, scale float64, length int) (lo, hi int, weight float32) {
		at := min(max((float64(i)+0.5)/scale-0.5, 0), float64(length-1))
		lo = int(at)
		return lo, min(lo+1, length-1), float32(at - float64(lo))
	}
	for y := range box.Height {
		y0, y1, fy := axis(y, box.ScaleY, img.Rect.Dy())
		for x := range box.Width {
			x0, x1, fx := axis(x, box.ScaleX, img.Rect.Dx())
			for c := range 3 {
				a, b := float32(img.Pix[y0*img.Stride+4*x0+c]), float32(img.Pix[y0*img.Stride+4*x1+c])
				d, e := float32(img.Pix[y1*img.Stride+4*x0+c]), float32(img.Pix[y1*img.Stride+4*x1+c])
				v := (a*(1-fx)+b*fx)*(1-fy) + (d*(1-fx)+e*fx)*fy
				tensor[(c*size+y+box.PadY)*size+x+box.PadX] = float32(uint8(v+0.5)) / 255
			}
		}
	}
}

// reportRatio reports the ratio of the medians: both ran by turns, so that what else
// the machine does weighs on both.
func reportRatio(b *testing.B, ours, theirs []time.Duration) {
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(float64(ours[len(ours)/2])/float64(theirs[len(theirs)/2]), "ratio")
	b.ReportMetric(float64(ours[len(ours)/2])/1e6, "ms")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFill letterboxes into 640 pixels, as every request does.
func BenchmarkFill(b *testing.B) {
	bus := func(pixels image.Image) *Picture { return picture(pixels, 1) }
	ycbcr := testYCbCr(810, 1080, image.YCbCrSubsampleRatio420)
	profiled := bus(ycbcr)
	profiled.profile, _ = parseProfile(displayP3(b))
	for _, bench := range []struct {
		name    string
		picture *Picture
	}{
		{"JPEG", bus(ycbcr)},
		{"JPEG of 12 megapixels", picture(testYCbCr(4000, 3000, image.YCbCrSubsampleRatio420), 1)},
		{"JPEG turned", picture(testYCbCr(1080, 810, image.YCbCrSubsampleRatio420), 6)},
		{"JPEG without subsampling", bus(testYCbCr(810, 1080, image.YCbCrSubsampleRatio444))},
		{"JPEG in Display P3", profiled},
		{"grey", bus(image.NewGray(image.Rect(0, 0, 810, 1080)))},
		{"NRGBA", bus(image.NewNRGBA(image.Rect(0, 0, 810, 1080)))},
		{"paletted", bus(image.NewPaletted(image.Rect(0, 0, 810, 1080), color.Palette{color.White}))},
		{"16 bits", bus(image.NewNRGBA64(image.Rect(0, 0, 810, 1080)))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			in := NewInput(Layout{Size: 640, Place: Centred, Pad: 114, Divisor: 255})
			tensor := make([]float32, in.Len())
			b.ReportAllocs()
			for b.Loop() {
				in.Fill(tensor, bench.picture)
			}
		})
	}
}
