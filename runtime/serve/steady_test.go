package serve

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/turbo"
	"github.com/seed45885407/saccade/runtime/vision"
)

// filler fills a network's input, and finds nothing.
type filler struct {
	input  *vision.Input
	tensor []float32
}

func (filler) Warm(context.Context) error { return nil }

func (f filler) Detect(_ context.Context, p *vision.Picture, _ functions.Parameters) ([]functions.Detection, functions.Timing, error) {
	f.input.Fill(f.tensor, p)
	return nil, functions.Timing{}, nil
}

// In a steady state a picture takes no new memory for its bytes or its pixels, however
// many it has.
func TestNothingIsAllocatedThatGrowsWithThePicture(t *testing.T) {
	if raced {
		t.Skip("the race detector makes sync.Pool forget")
	}
	library, _, err := turbo.Find(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		t.Skipf("image/jpeg makes all its memory anew: %v", err)
	}
	t.Cleanup(func() {
		if err := library.Close(); err != nil {
			t.Error(err)
		}
	})
	// A sync.Pool has a place for each processor, and each is filled once.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := New(Options{Limits: vision.Limits{JPEG: vision.NewJPEG(library)}})
	input := vision.NewInput(vision.Layout{Size: 64, Divisor: 255})
	if err := s.Start(t.Context(), func(context.Context) (Function, error) {
		return Function{Detector: filler{input, make([]float32, input.Len())}, Parallel: 1}, nil
	}); err != nil {
		t.Fatal(err)
	}
	ask := func(body []byte) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/detect", bytes.NewReader(body)))
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	pictures := map[string][]byte{}
	for name, size := range map[string]image.Point{"small": {160, 120}, "middle": {1280, 720}, "large": {3000, 2000}} {
		pictures[name] = busy(t, size)
	}
	// What is kept between pictures the collector may take at any time.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range 3 {
		for _, body := range []string{"large", "small", "middle"} {
			ask(pictures[body])
		}
	}
	const requests = 20
	most := uint64(32 << 10)
	for name, body := range pictures {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range requests {
			ask(body)
		}
		runtime.ReadMemStats(&after)
		taken := (after.TotalAlloc - before.TotalAlloc) / requests
		t.Logf("%s: %d bytes allocated for one of %d", name, taken, len(body))
		if taken > most {
			t.Errorf("%s: %d bytes are allocated for one, more than %d", name, taken, most)
		}
	}
}

// busy is a JPEG with something in every pixel.
func busy(t *testing.T, size image.Point) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = uint8(i * i >> 7)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
