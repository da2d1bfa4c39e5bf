// Package detectortest has what the tests of several rooms need to look at real
// pictures with real networks: the reference data, where it is, and a bare
// session on ONNX Runtime that shares no code with the one the product runs.
//
// It skips a test, with the reason, where data or library are absent.
package detectortest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/vision"
)

// Data is a path within the reference data: the folder that SACCADE_TESTDATA
// names, else ../shared/data beside the repository.
func Data(t testing.TB, elements ...string) string {
	t.Helper()
	folder := os.Getenv("SACCADE_TESTDATA")
	if folder == "" {
		folder = filepath.Join(root(t), "..", "shared", "data")
	}
	path := filepath.Join(append([]string{folder}, elements...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no reference data: %v", err)
	}
	return path
}

// root is the repository's folder: the nearest above with a go.mod.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		up := filepath.Dir(folder)
		if up == folder {
			t.Fatal("no go.mod above the test's folder")
		}
		folder = up
	}
}

// Bytes reads a file of the reference data.
func Bytes(t testing.TB, elements ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(Data(t, elements...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// JSON reads a JSON file of the reference data into v.
func JSON(t testing.TB, v any, elements ...string) {
	t.Helper()
	if err := json.Unmarshal(Bytes(t, elements...), v); err != nil {
		t.Fatalf("reading %v: %v", elements, err)
	}
}

// Picture decodes a picture of the reference data.
func Picture(t testing.TB, elements ...string) *vision.Picture {
	t.Helper()
	picture, err := vision.Decode(Bytes(t, elements...), vision.Limits{})
	if err != nil {
		t.Fatalf("decoding %v: %v", elements, err)
	}
	return picture
}

// Model is a network of the reference data.
type Model struct {
	Name      string
	Family    functions.Family
	InputSize int
}

// Models are the networks that the reference detections were made with.
func Models() []Model {
	return []Model{
		{"yolo11n", functions.FamilyYOLOv8, 640},
		{"yolo26n", functions.FamilyYOLOE2E, 640},
		{"yolox_nano", functions.FamilyYOLOX, 416},
		{"centernet-mbv3", functions.FamilyCenterNet, 512},
		{"deimv2_hgnetv2_atto_coco", functions.FamilyDETR, 320},
	}
}

// RawDETR is the last of [Models] without its postprocessor.
func RawDETR() Model { return Model{"deimv2_atto_raw", functions.FamilyDETRRaw, 320} }

// Detector makes a detector for the model.
func (m Model) Detector(t testing.TB, thresholds functions.Thresholds) *detector.Detector {
	t.Helper()
	d, err := detector.New(detector.Options{Family: m.Family, InputSize: m.InputSize, Thresholds: thresholds})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
