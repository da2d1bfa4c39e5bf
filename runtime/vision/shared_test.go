package vision

import (
	"encoding/binary"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/turbo"
)

// sharedPath is a path in the reference data: the folder that SACCADE_TESTDATA
// names, else ../shared/data beside the repository. Without it the test is skipped.
func sharedPath(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("SACCADE_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no reference data: %v", err)
	}
	return path
}

func sharedFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(sharedPath(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// decoders are the ways to decode a JPEG: in Go, and with libjpeg-turbo where this
// machine has it.
func decoders(t testing.TB) map[string]*JPEG {
	t.Helper()
	both := map[string]*JPEG{"in Go": nil}
	if library := turboLibrary(t); library != nil {
		both["with libjpeg-turbo"] = NewJPEG(library)
	}
	return both
}

// turboLibrary is nil where there is none.
func turboLibrary(t testing.TB) *turbo.Library {
	t.Helper()
	library, _, err := turbo.Find(os.Getenv("SACCADE_TURBOJPEG"))
	if err != nil {
		t.Logf("image/jpeg alone: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := library.Close(); err != nil {
			t.Error(err)
		}
	})
	return library
}

// eachDecoder runs the test with every way to decode a JPEG.
func eachDecoder(t *testing.T, test func(t *testing.T, jpeg *JPEG)) {
	t.Helper()
	for name, jpeg := range decoders(t) {
		t.Run(name, func(t *testing.T) { test(t, jpeg) })
	}
}

// picture is a Picture of pixels in memory.
func picture(pixels image.Image, o orientation) *Picture {
	size := pixels.Bounds().Size()
	width, height := o.upright(size.X, size.Y)
	return &Picture{Picture: functions.Picture{Width: width, Height: height}, pixels: pixels, orientation: o}
}

// testYCbCr has smooth waves of a few pixels' length in every plane.
func testYCbCr(width, height int, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), ratio)
	wave := func(x, y int, fx, fy float64) uint8 {
		return uint8(128 + 90*math.Sin(float64(x)*fx)*math.Cos(float64(y)*fy))
	}
	for y := range height {
		for x := range width {
			img.Y[img.YOffset(x, y)] = wave(x, y, 0.11, 0.07)
			img.Cb[img.COffset(x, y)] = wave(x, y, 0.05, 0.03)
			img.Cr[img.COffset(x, y)] = wave(x, y, 0.02, 0.06)
		}
	}
	return img
}

// displayP3 is a profile with the primaries of Display P3 and sRGB's tone curve.
func displayP3(testing.TB) []byte {
	return iccProfile([3][3]float64{
		{0.515102, 0.241182, -0.001049}, {0.291965, 0.692236, 0.041882}, {0.157153, 0.066582, 0.784378},
	}, []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045})
}

// srgb is the profile of sRGB itself.
func srgb() []byte {
	return iccProfile([3][3]float64{
		{0.4360747, 0.2225045, 0.0139322}, {0.3850649, 0.7168786, 0.0971045}, {0.1430804, 0.0606169, 0.7141733},
	}, []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045})
}

// iccProfile writes a profile of three primaries and one parametric curve of
// type 3.
func iccProfile(primaries [3][3]float64, curve []float64) []byte {
	data := make([]byte, 128)
	copy(data[12:], "mntrRGB XYZ ")
	const tags = 6
	data = binary.BigEndian.AppendUint32(data, tags)
	at := uint32(132 + tags*12)
	var body []byte
	element := func(signature string, kind string, values []float64) {
		element := append([]byte(kind), 0, 0, 0, 0)
		if kind == "para" {
			element = append(element, 0, 3, 0, 0)
		}
		for _, v := range values {
			element = binary.BigEndian.AppendUint32(element, uint32(int32(math.Round(v*65536))))
		}
		data = append(data, signature...)
		data = binary.BigEndian.AppendUint32(data, at+uint32(len(body)))
		data = binary.BigEndian.AppendUint32(data, uint32(len(element)))
		body = append(body, element...)
	}
	for i, letter := range []string{"r", "g", "b"} {
		element(letter+"XYZ", "XYZ ", primaries[i][:])
		element(letter+"TRC", "para", curve)
	}
	return append(data, body...)
}
