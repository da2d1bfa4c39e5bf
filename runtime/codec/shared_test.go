package codec

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/runtime/vision"
)

// A photograph that other tools have made an AVIF of is the photograph.
func TestAPhotograph(t *testing.T) {
	folder := os.Getenv("SACCADE_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(folder, "images", "odd", name))
		if err != nil {
			t.Skipf("no reference data: %v", err)
		}
		return data
	}
	p, err := vision.Decode(read("photo.avif"), vision.Limits{Codecs: codecs(t)})
	if err != nil {
		t.Fatal(err)
	}
	base, err := jpeg.Decode(bytes.NewReader(read("base.jpg")))
	if err != nil {
		t.Fatal(err)
	}
	got := drawn(t, p)
	if got.Bounds() != base.Bounds() {
		t.Fatalf("%v, the photograph %v", got.Bounds(), base.Bounds())
	}
	if d := apart(got, base); d > 8 {
		t.Errorf("%.1f of 255 from the photograph", d)
	} else {
		t.Logf("%.1f of 255 from the photograph", d)
	}
}
