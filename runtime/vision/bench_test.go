package vision

import (
	"image"
	"image/color"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"images/bus.jpg", "images/odd/mosaic_12mp.jpg", "images/exact/bus.png", "images/odd/lossy.webp"} {
		b.Run(name, func(b *testing.B) {
			data := sharedFile(b, name)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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
