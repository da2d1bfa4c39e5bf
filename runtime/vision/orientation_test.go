package vision

import (
	"image"
	"image/color"
	"slices"
	"testing"
)

// stored is img as a camera stores it that is held so that the orientation is o.
// The table is Exif's own wording (Exif 2.32, tag 0x0112): where row 0 and column
// 0 of what is stored are in what is seen.
func stored(img *image.NRGBA, o orientation) *image.NRGBA {
	size := img.Rect.Size()
	right, bottom := size.X-1, size.Y-1
	width, height := o.upright(size.X, size.Y)
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var seen image.Point
			switch o {
			case 1: // row 0 top, column 0 left
				seen = image.Pt(x, y)
			case 2: // top, right
				seen = image.Pt(right-x, y)
			case 3: // bottom, right
				seen = image.Pt(right-x, bottom-y)
			case 4: // bottom, left
				seen = image.Pt(x, bottom-y)
			case 5: // left, top
				seen = image.Pt(y, x)
			case 6: // right, top
				seen = image.Pt(right-y, x)
			case 7: // right, bottom
				seen = image.Pt(right-y, bottom-x)
			case 8: // left, bottom
				seen = image.Pt(y, bottom-x)
			}
			out.SetNRGBA(x, y, img.NRGBAAt(seen.X, seen.Y))
		}
	}
	return out
}

func TestEveryOrientationEndsUpright(t *testing.T) {
	for o := orientation(1); o <= 8; o++ {
		for name, data := range encodings(t, stored(quadrants(48, 32), o), o) {
			p, err := Decode(data, Limits{})
			if err != nil {
				t.Fatalf("%s, orientation %d: %v", name, o, err)
			}
			if p.Width != 48 || p.Height != 32 {
				t.Errorf("%s, orientation %d: %dx%d, want 48x32", name, o, p.Width, p.Height)
				continue
			}
			for corner, want := range map[image.Point]color.NRGBA{
				{4, 4}: {R: 255}, {44, 4}: {G: 255}, {4, 28}: {B: 255}, {44, 28}: {R: 255, G: 255, B: 255},
			} {
				if c := at(p, corner.X, corner.Y); !near(c, want, 8) {
					t.Errorf("%s, orientation %d: %v at %v, want %v", name, o, c, corner, want)
				}
			}
		}
	}
}

func TestTheTensorIsTheSameInEveryOrientation(t *testing.T) {
	seen := image.NewNRGBA(image.Rect(0, 0, 75, 131))
	for i := range seen.Pix {
		seen.Pix[i] = uint8(i * i >> 3)
	}
	in := NewInput(Layout{Size: 96, Pad: 114, Divisor: 255})
	want := make([]float32, in.Len())
	in.Fill(want, picture(seen, 1))
	for o := orientation(2); o <= 8; o++ {
		got := make([]float32, in.Len())
		in.Fill(got, picture(stored(seen, o), o))
		worst := float32(0)
		for i := range got {
			worst = max(worst, got[i]-want[i], want[i]-got[i])
		}
		// A mirrored row adds its two products in another order: one level at most.
		if worst > 1.01/255 {
			t.Errorf("orientation %d differs by %.1f levels", o, worst*255)
		}
	}
}

func TestOrientationIsReadFromExif(t *testing.T) {
	big := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	for _, test := range []struct {
		name string
		data []byte
		want orientation
	}{
		{"little-endian", exifOf(8), 8},
		{"big-endian", big, 6},
		{"nothing", nil, 1},
		{"cut off before the tag", exifOf(8)[:16], 1},
		{"an orientation that does not exist", exifOf(9), 1},
		{"orientation zero", exifOf(0), 1},
		{"a tag of another type", slices.Concat(exifOf(8)[:12], []byte{4}, exifOf(8)[13:]), 1},
		{"a directory outside", slices.Concat([]byte("II*\x00\xff\xff\xff\xff"), make([]byte, 20)), 1},
		{"another magic number", append([]byte("II+\x00"), make([]byte, 20)...), 1},
	} {
		if got := exifOrientation(test.data); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
