package onnx

import (
	"math"
	"testing"
)

func TestEveryHalfComesBack(t *testing.T) {
	for h := range 1 << 16 {
		v := fromHalf(uint16(h))
		if v != v {
			if back := toHalf(v); back&0x7c00 != 0x7c00 || back&0x3ff == 0 {
				t.Fatalf("NaN %#x comes back as %#x", h, back)
			}
			continue
		}
		if back := toHalf(v); back != uint16(h) {
			t.Fatalf("%#x, which is %v, comes back as %#x", h, v, back)
		}
	}
}

func TestHalvesAreRoundedToTheNearest(t *testing.T) {
	for v, want := range map[float32]float32{
		0.1:                   0.0999755859375,
		1.0 / 255:             0.003921508789,
		1 + 1.0/2048:          1,            // a tie goes to the even neighbour
		1 + 3.0/2048:          1 + 2.0/1024, // and here that is the upper
		65519:                 65504,
		65520:                 float32(math.Inf(1)),
		-1e9:                  float32(math.Inf(-1)),
		1e-9:                  0,
		3 * (1.0 / (1 << 25)): 2 * (1.0 / (1 << 24)), // a tie below the normal numbers
	} {
		if got := fromHalf(toHalf(v)); math.Abs(float64(got-want)) > 1e-9 && got != want {
			t.Errorf("%v is %v, want %v", v, got, want)
		}
	}
	// Against the neighbours, all over the range.
	for v := float32(1e-7); v < 60000; v *= 1.0173 {
		h := toHalf(v)
		off := math.Abs(float64(fromHalf(h) - v))
		for _, other := range []uint16{h - 1, h + 1} {
			if math.Abs(float64(fromHalf(other)-v)) < off {
				t.Fatalf("%v is %v, and %v is nearer", v, fromHalf(h), fromHalf(other))
			}
		}
	}
}

func TestBytesStayWithinTheirBounds(t *testing.T) {
	for v, want := range map[float32]uint8{0: 0, 200: 200, 254.6: 255, 300: 255, -3: 0, float32(math.Inf(1)): 255} {
		if got := toByte(v); got != want {
			t.Errorf("%v is byte %d, want %d", v, got, want)
		}
	}
	if got := toByte(float32(math.NaN())); got != 0 {
		t.Errorf("NaN is byte %d", got)
	}
}
