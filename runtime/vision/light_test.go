package vision

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"testing"
)

func TestLightIsMeanAndDeviationOfLuma(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		at                   func(x, y int) color.Color
		brightness, contrast float64
	}{
		{"black", func(int, int) color.Color { return color.Black }, 0, 0},
		{"white", func(int, int) color.Color { return color.White }, 1, 0},
		{"green is brighter than blue", func(int, int) color.Color { return color.RGBA{G: 255, A: 255} }, 0.587, 0},
		{"half black and half white", func(x, _ int) color.Color {
			if x < 320 {
				return color.Black
			}
			return color.White
		}, 0.5, 0.5},
		{"a ramp", func(x, _ int) color.Color { return color.Gray{uint8(x * 255 / 639)} }, 0.5, 1 / math.Sqrt(12)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := image.NewRGBA(image.Rect(0, 0, 640, 200))
			for y := range 200 {
				for x := range 640 {
					img.Set(x, y, tt.at(x, y))
				}
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			p, err := Decode(b.Bytes(), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			light := p.Light()
			if math.Abs(float64(light.Brightness)-tt.brightness) > 0.01 || math.Abs(float64(light.Contrast)-tt.contrast) > 0.01 {
				t.Errorf("got %+v, want %v and %v", light, tt.brightness, tt.contrast)
			}
		})
	}
}

func BenchmarkLight(b *testing.B) {
	for _, size := range []image.Point{{640, 480}, {4000, 3000}} {
		b.Run(size.String(), func(b *testing.B) {
			p := &Picture{pixels: image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), orientation: 1}
			p.Width, p.Height = size.X, size.Y
			b.ReportAllocs()
			for b.Loop() {
				p.Light()
			}
		})
	}
}
