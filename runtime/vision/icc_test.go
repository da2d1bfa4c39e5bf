package vision

import (
	"bytes"
	"compress/zlib"
	"image/color"
	"testing"
)

func TestAWideGamutIsBroughtToSRGB(t *testing.T) {
	// Red of sRGB, written in Display P3, is 234, 51, 35; grey is grey in both.
	img := quadrants(16, 16)
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{234, 51, 35})
		if i >= len(img.Pix)/2 {
			copy(img.Pix[i:], []byte{120, 120, 120})
		}
	}
	made := encodings(t, img, 1)
	icc := displayP3(t)
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := w.Write(icc); err != nil || w.Close() != nil {
		t.Fatal("compressing the profile failed")
	}
	for name, data := range map[string][]byte{
		"JPEG": withSegment(made["jpeg"], markerAPP2, append([]byte("ICC_PROFILE\x00\x01\x01"), icc...)),
		"PNG":  withChunk(made["png"], "iCCP", append([]byte("Display P3\x00\x00"), packed.Bytes()...)),
	} {
		p, err := Decode(data, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c := at(p, 8, 2); !near(c, color.NRGBA{R: 255}, 12) {
			t.Errorf("%s: %v, want sRGB's red", name, c)
		}
		if c := at(p, 8, 14); !near(c, color.NRGBA{R: 120, G: 120, B: 120}, 3) {
			t.Errorf("%s: %v, want the same grey", name, c)
		}
	}
}

func TestProfiles(t *testing.T) {
	if p, err := parseProfile(srgb()); p != nil || err != nil {
		t.Errorf("sRGB's own profile: %v, %v; want nothing to convert", p, err)
	}
	p3 := displayP3(t)
	if p, err := parseProfile(p3); p == nil || err != nil {
		t.Errorf("Display P3: %v, %v; want a profile", p, err)
	}
	// However damaged, a profile is understood or passed over.
	for i := range p3 {
		for _, v := range []byte{0, 0x7f, 0xff} {
			damaged := bytes.Clone(p3)
			damaged[i] = v
			if p, _ := parseProfile(damaged); p != nil {
				p.convert([]uint32{0, 0x7f7f7f, 0xffffff})
			}
		}
		_, _ = parseProfile(p3[:i])
	}
}

func TestToneCurves(t *testing.T) {
	para := func(kind byte, values ...int32) []byte {
		data := []byte{'p', 'a', 'r', 'a', 0, 0, 0, 0, 0, kind, 0, 0}
		for _, v := range values {
			data = append(data, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
		}
		return data
	}
	const one = 1 << 16
	for _, test := range []struct {
		name     string
		data     []byte
		at, want float64
	}{
		{"no table is a straight line", []byte("curv\x00\x00\x00\x00\x00\x00\x00\x00"), 0.3, 0.3},
		{"one value is a gamma", []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x00"), 0.5, 0.25},
		{"a table is interpolated", []byte("curv\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x40\x00\xff\xff"), 0.25, 0.125},
		{"type 0", para(0, 2*one), 0.5, 0.25},
		{"type 1", para(1, 2*one, one, one/2), 0.5, 1},
		{"type 2 below its start", para(2, one, one, -one/2, one/4), 0.25, 0.25},
		{"type 3 below its start", para(3, one, one, 0, one/2, one/2), 0.25, 0.125},
		{"type 4", para(4, one, one, 0, one/2, one/2, one/4, 0), 0.5, 0.75},
	} {
		curve, err := parseCurve(test.data)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if got := curve(test.at); max(got-test.want, test.want-got) > 1e-4 {
			t.Errorf("%s: %v at %v, want %v", test.name, got, test.at, test.want)
		}
	}
}
