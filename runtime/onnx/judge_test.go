package onnx

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
	"github.com/seed45885407/saccade/runtime/vision"
)

// converters are what makes half precision of a model, at the versions this was
// written with.
var converters = []string{"onnx==1.23.2", "onnxconverter-common==1.16.0"}

// converter is a Python interpreter that has them: in a folder of the user's cache,
// so that they are fetched once.
func converter(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("there is nowhere to keep the converter: %v", err)
	}
	folder := filepath.Join(cache, "saccade", "judges", strings.Join(converters, "+"))
	interpreter, complete := filepath.Join(folder, "bin", "python"), filepath.Join(folder, "complete")
	if _, err := os.Stat(complete); err == nil {
		return interpreter
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", folder},
		append([]string{interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"}, converters...),
	} {
		if said, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("the converter cannot be had: %s: %v\n%s", strings.Join(command[:2], " "), err, said)
		}
	}
	if err := os.WriteFile(complete, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return interpreter
}

const toHalves = `
import sys, onnx
from onnxconverter_common import float16
onnx.save(float16.convert_float_to_float16(onnx.load(sys.argv[1]), keep_io_types=False), sys.argv[2])
`

// A model that another's converter has made half precision of, inputs and outputs
// too, finds what it found before.
func TestHalfPrecisionFindsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("it fetches a converter")
	}
	e := open(t)
	picture := detectortest.Picture(t, "images", "bus.jpg")
	python := converter(t)
	for _, name := range []string{"yolo11n", "yolox_nano"} { // of yolo26n the converter makes what ONNX Runtime refuses
		t.Run(name, func(t *testing.T) {
			whole := detectortest.Data(t, "models", name+".onnx")
			halved := filepath.Join(t.TempDir(), name+".onnx")
			if said, err := exec.CommandContext(t.Context(), python, "-c", toHalves, whole, halved).CombinedOutput(); err != nil {
				t.Fatalf("converting: %v\n%s", err, said)
			}
			want, _ := detections(t, e, whole, picture)
			got, r := detections(t, e, halved, picture)
			if r.Inputs[0].Type != "float16" || r.Outputs[0].Type != "float16" {
				t.Errorf("it is fed %v and gives %v", r.Inputs[0], r.Outputs[0])
			}
			worst := float32(0)
			for _, w := range want {
				if w.Score < 0.4 {
					continue
				}
				best := -1
				for i, g := range got {
					if g.ClassID == w.ClassID && g.Box.IoU(w.Box) > 0.95 {
						best = i
					}
				}
				if best < 0 {
					t.Errorf("no %s of score %.3f at %v", w.Class, w.Score, w.Box)
					continue
				}
				worst = max(worst, float32(math.Abs(float64(got[best].Score-w.Score))))
			}
			t.Logf("%d detections, |score| <= %.4f", len(want), worst)
			if worst > 0.03 {
				t.Errorf("a score is %.4f off", worst)
			}
		})
	}
}

// detections are what the model file finds, all of it left to recognition.
func detections(t *testing.T, e *Environment, path string, picture *vision.Picture) ([]functions.Detection, inspect.Recognised) {
	t.Helper()
	file, err := inspect.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := inspect.Recognise(file, functions.Function{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := Prepare(Source{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var o Options
	for _, p := range r.Inputs {
		o.Inputs = append(o.Inputs, Port(p))
	}
	for _, p := range r.Outputs {
		o.Outputs = append(o.Outputs, Port(p))
	}
	s := session(t, e, m, o)
	d, err := detector.New(detector.Options{
		Family: r.Family, InputSize: r.InputSize, Labels: r.Labels, Feed: r.Feed, Read: r.Read, Layout: r.Layout, Beside: r.Beside,
	})
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := d.Detect(t.Context(), s, picture, functions.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(found), r
}
