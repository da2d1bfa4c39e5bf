package schedule_test

import (
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	"github.com/seed45885407/saccade/runtime/schedule"
	"github.com/seed45885407/saccade/runtime/vision"
)

// Models whose first axis is free, with what is fed and read of one picture.
var models = []struct {
	name    string
	file    func(t *testing.T) string
	options detector.Options
	input   onnx.Port
	output  onnx.Port
}{
	{
		"centernet", func(*testing.T) string { return "../../functions/centernet/centernet-mbv3.onnx" },
		detector.Options{Family: functions.FamilyCenterNet, InputSize: 512},
		onnx.Port{Name: "images", Type: "float32", Shape: []int64{1, 3, 512, 512}},
		onnx.Port{Name: "detections", Type: "float32", Shape: []int64{1, 100, 6}},
	},
	{
		"yolo11n", func(t *testing.T) string { return detectortest.Data(t, "models", "yolo11n-dynamic.onnx") },
		detector.Options{Family: functions.FamilyYOLOv8, InputSize: 640},
		onnx.Port{Name: "images", Type: "float32", Shape: []int64{1, 3, 640, 640}},
		onnx.Port{Name: "output0", Type: "float32", Shape: []int64{1, 84, 8400}},
	},
}

// Three pictures at once are one run of four, and what is found in each is what is
// found in it alone.
func TestPicturesThatRunTogetherAreReadAsAlone(t *testing.T) {
	path, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME"))
	if err != nil {
		t.Skip(err)
	}
	environment, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := environment.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, test := range models {
		t.Run(test.name, func(t *testing.T) {
			pictures := samples(t)
			model, err := onnx.Prepare(onnx.Source{Path: test.file(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			session, err := environment.NewSession(model, onnx.Options{
				Inputs: []onnx.Port{test.input}, Outputs: []onnx.Port{test.output}, Batches: schedule.Sizes(4),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			d, err := detector.New(test.options)
			if err != nil {
				t.Fatal(err)
			}
			size := test.options.InputSize
			batcher, err := schedule.New(session, schedule.Options{
				Most: len(pictures), Delay: time.Hour, Parallel: 2,
				Like: []detector.Tensor{{Shape: test.input.Shape, Data: make([]float32, 3*size*size)}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer batcher.Close()
			if err := batcher.Warm(t.Context()); err == nil {
				t.Fatal("a run of three was warmed, and the session has none of them")
			}
			batcher.Close()
			if batcher, err = schedule.New(session, schedule.Options{
				Most: 4, Delay: time.Second / 4, Parallel: 2,
				Like: []detector.Tensor{{Shape: test.input.Shape, Data: make([]float32, 3*size*size)}},
			}); err != nil {
				t.Fatal(err)
			}
			defer batcher.Close()
			if err := batcher.Warm(t.Context()); err != nil {
				t.Fatal(err)
			}
			together := make([][]functions.Detection, len(pictures))
			var wg sync.WaitGroup
			for i, p := range pictures {
				wg.Go(func() {
					var err error
					if together[i], _, err = d.Detect(t.Context(), batcher, p, functions.Parameters{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			t.Logf("runs by pictures: %v", batcher.Runs())
			for i, p := range pictures {
				alone, _, err := d.Detect(t.Context(), session, p, functions.Parameters{})
				if err != nil {
					t.Fatal(err)
				}
				if len(alone) == 0 {
					t.Errorf("picture %d: nothing is found in it", i)
				}
				same(t, alone, together[i])
			}
		})
	}
}

// same compares what was found: batched convolutions sum in another order.
func same(t *testing.T, want, got []functions.Detection) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%d detections together, %d alone", len(got), len(want))
		return
	}
	for i, w := range want {
		g := got[i]
		off := max(math.Abs(float64(w.Box.X1-g.Box.X1)), math.Abs(float64(w.Box.Y1-g.Box.Y1)),
			math.Abs(float64(w.Box.X2-g.Box.X2)), math.Abs(float64(w.Box.Y2-g.Box.Y2)))
		if w.ClassID != g.ClassID || math.Abs(float64(w.Score-g.Score)) > 1e-3 || off > 0.1 {
			t.Errorf("together %+v, alone %+v", g, w)
		}
	}
}

func samples(t *testing.T) []*vision.Picture {
	t.Helper()
	files, err := filepath.Glob("../../samples/*.png")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d sample pictures, %v", len(files), err)
	}
	var pictures []*vision.Picture
	for _, file := range append(files, files...)[:3] {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vision.Decode(data, vision.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, p)
	}
	return pictures
}
