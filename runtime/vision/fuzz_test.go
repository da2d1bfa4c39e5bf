package vision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func FuzzDecode(f *testing.F) {
	for _, data := range encodings(f, quadrants(16, 12), 1) {
		f.Add(data)
	}
	for _, data := range encodings(f, quadrants(16, 12), 6) {
		f.Add(data)
	}
	for _, data := range tinyWebPs(f) {
		f.Add(data)
	}
	addShared(f)
	limits := Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 18}
	in := NewInput(Layout{Size: 32, Pad: 114, Divisor: 255})
	for _, jpegs := range decoders(f) {
		if jpegs != nil {
			limits.JPEG = jpegs
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		slow := limits
		slow.JPEG = nil
		goes, goErr := Decode(data, slow)
		p, err := Decode(data, limits)
		if goErr == nil && (err != nil || p.Picture != goes.Picture) {
			t.Fatalf("in Go it is %+v, otherwise %+v (%v)", goes.Picture, p, err)
		}
		if err != nil {
			if kind := functions.KindOf(err); kind != functions.KindOf(goErr) {
				t.Fatalf("refused as %s, in Go as %s", kind, functions.KindOf(goErr))
			}
			return
		}
		defer p.Release()
		if int64(len(data)) > limits.MaxBytes || int64(p.Width)*int64(p.Height) > limits.MaxPixels {
			t.Fatalf("%d bytes of %dx%d are over the limits", len(data), p.Width, p.Height)
		}
		if p.Width < 1 || p.Height < 1 {
			t.Fatalf("a picture of %dx%d", p.Width, p.Height)
		}
		tensor := make([]float32, in.Len())
		in.Fill(tensor, p)
		for _, v := range tensor {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("a value of %v", v)
			}
		}
		p.upright()
	})
}

// addShared adds the small ones of the reference pictures, where they are.
func addShared(f *testing.F) {
	folder := os.Getenv("SACCADE_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	for _, kind := range []string{"odd", "broken"} {
		files, _ := filepath.Glob(filepath.Join(folder, "images", kind, "*"))
		for _, file := range files {
			if data, err := os.ReadFile(file); err == nil && len(data) < 1<<15 {
				f.Add(data)
			}
		}
	}
}
