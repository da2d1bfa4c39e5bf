package explain

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// lightness is L* of CIELAB (CIE 15), which Heat was not made with.
func lightness(c color.RGBA) float64 {
	lin := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	y := 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
	if y <= 216./24389 {
		return y * 24389 / 27
	}
	return 116*math.Cbrt(y) - 16
}

func TestHeatGrowsEvenlyLighter(t *testing.T) {
	const steps = 64
	whole := lightness(Heat(1)) - lightness(Heat(0))
	if whole < 85 {
		t.Errorf("the scale spans %.0f of 100 steps of lightness", whole)
	}
	for i := range steps {
		step := lightness(Heat(float64(i+1)/steps)) - lightness(Heat(float64(i)/steps))
		if step < 0.3*whole/steps || step > 2*whole/steps {
			t.Errorf("step %d of %d is %.2f, the mean is %.2f", i, steps, step, whole/steps)
		}
	}
	for v, want := range map[float64]func(c color.RGBA) bool{
		0:    func(c color.RGBA) bool { return c.B > c.R && c.R >= c.G && c.B < 60 },   // nearly black violet
		0.5:  func(c color.RGBA) bool { return c.R > 150 && c.R > 2*c.G && c.R > c.B }, // red
		1:    func(c color.RGBA) bool { return c.R > 230 && c.G > 230 && c.B < c.G },   // pale yellow
		-1:   func(c color.RGBA) bool { return c == Heat(0) },
		1.01: func(c color.RGBA) bool { return c == Heat(1) },
	} {
		if c := Heat(v); !want(c) || c.A != 0xff {
			t.Errorf("%v is %v", v, c)
		}
	}
}

func TestThePictureGlowsWhereItMatters(t *testing.T) {
	e := Explanation{Target: functions.Detection{}, Map: Map{Width: 8, Height: 4, Values: make([]float32, 32)}}
	e.Map.Values[1*8+6] = 1
	picture := image.NewRGBA(image.Rect(0, 0, 80, 40))
	for i := range picture.Pix {
		picture.Pix[i] = [4]uint8{90, 160, 90, 255}[i%4]
	}
	painted := e.Paint(picture)
	if painted.Rect != picture.Rect {
		t.Fatalf("painted %v of %v", painted.Rect, picture.Rect)
	}
	cold, hot := painted.RGBAAt(5, 35), painted.RGBAAt(65, 15)
	if hot.R < 190 || lightness(hot) < lightness(cold)+20 {
		t.Errorf("hot is %v, cold %v", hot, cold)
	}
	if spread := int(cold.G) - int(cold.R); spread > 30 || cold.A != 0xff {
		t.Errorf("cold is %v, as colourful as the picture", cold)
	}
	flat := Explanation{Map: Map{Width: 1, Height: 1, Values: []float32{0.5}}}.Paint(picture)
	if flat.RGBAAt(3, 3) != cold {
		t.Errorf("a map without heat is painted %v, want %v", flat.RGBAAt(3, 3), cold)
	}
}
