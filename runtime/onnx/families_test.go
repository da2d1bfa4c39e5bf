package onnx

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/vision"
)

// The picture is 128 x 64 pixels of one colour, and the networks look at 64 x 64.
const side = 64

var paint = color.NRGBA{R: 200, G: 100, B: 50, A: 255}

func painted(t testing.TB) *vision.Picture {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 128, 64))
	for at := range 128 * 64 {
		img.SetNRGBA(at%128, at/128, paint)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	p, err := vision.Decode(b.Bytes(), vision.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seen is what a network finds, in the pixels of its input.
type seen struct {
	x1, y1, x2, y2, score float32
	class                 int
}

// want is what is answered, in the picture's pixels; classes are a, b and c.
func want() []functions.Detection {
	return []functions.Detection{
		{Class: "c", ClassID: 2, Score: 0.9, Box: functions.Box{X1: 8, Y1: 8, X2: 40, Y2: 40}},
		{Class: "a", ClassID: 0, Score: 0.6, Box: functions.Box{X1: 64, Y1: 16, X2: 120, Y2: 56}},
	}
}

// objects are those of want as a network with the given placing sees them, and one
// that scores too little.
func objects(place string) []seen {
	var list []seen
	for _, d := range want() {
		s := seen{d.Box.X1 / 2, d.Box.Y1 / 2, d.Box.X2 / 2, d.Box.Y2 / 2, d.Score, d.ClassID}
		switch place {
		case functions.PlaceCentred: // the picture is 64 x 32, 16 pixels down
			s.y1, s.y2 = s.y1+16, s.y2+16
		case functions.PlaceStretched:
			s.y1, s.y2 = s.y1*2, s.y2*2
		}
		list = append(list, s)
	}
	return append(list, seen{2, 30, 9, 34, 0.1, 1})
}

// twice adds a box that overlaps the first, of the same class and a lower score: NMS
// takes it away.
func twice(list []seen) []seen {
	again := list[0]
	again.x1, again.score = again.x1+0.5, 0.7
	return append(list, again)
}

// half is a tensor that a network answers: fixed numbers, and scores that the
// picture's first value has a part in.
type half struct {
	name          string
	shape         []int64 // as it is
	declared      []int64 // as the graph declares it, where that differs
	fixed, scores []float32
	ints          []int64
}

func numbersOf(shape []int64) int {
	n := 1
	for _, size := range shape {
		n *= int(size)
	}
	return n
}

func blank(name string, shape ...int64) half {
	n := numbersOf(shape)
	return half{name: name, shape: shape, fixed: make([]float32, n), scores: make([]float32, n)}
}

func (h half) free(shape ...int64) half { h.declared = shape; return h }

// run is the whole way of a model file: recognised, loaded by ONNX Runtime, fed and
// read.
func run(t *testing.T, e *Environment, content []byte, declared functions.Model) ([]functions.Detection, inspect.Recognised) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.onnx")
	write(t, path, content)
	file, err := inspect.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	var f functions.Function
	f.Spec.Model = declared
	if declared.Labels == nil {
		f.Spec.Model.Labels = []string{"a", "b", "c"}
	}
	r, err := inspect.Recognise(file, f)
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
	s, err := e.NewSession(m, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := detector.New(detector.Options{
		Family: r.Family, InputSize: r.InputSize, Labels: r.Labels, Feed: r.Feed, Read: r.Read, Layout: r.Layout, Beside: r.Beside,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Warm(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	var found []functions.Detection
	for range 2 { // memory of the first run serves the second
		if found, _, err = d.Detect(t.Context(), s, painted(t), functions.Parameters{}); err != nil {
			t.Fatal(err)
		}
	}
	return found, r
}

func wantDetections(t *testing.T, got, want []functions.Detection, pixels, score float64) {
	t.Helper()
	near := func(tolerance float64) cmp.Option { return cmpopts.EquateApprox(0, tolerance) }
	byField := cmp.Options{
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Score" }, near(score)),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() != ".Score" }, near(pixels)),
	}
	if diff := cmp.Diff(want, got, byField); diff != "" {
		t.Errorf("detections (-want +got)\n%s", diff)
	}
}

func TestEveryFamilyInEveryTypeAndLayout(t *testing.T) {
	e := open(t)
	for i, m := range members() {
		for _, in := range []string{"float32", "float16", "uint8"} {
			for _, layout := range []functions.Layout{"nchw", "nhwc", "chw", "hwc"} {
				for _, out := range []string{"float32", "float16"} {
					t.Run(fmt.Sprintf("%s %d of %s %s to %s", m.family, i, in, layout, out), func(t *testing.T) {
						got, r := run(t, e, m.write(in, out, layout), m.declare)
						if r.Family != m.family || r.Layout != layout {
							t.Errorf("recognised as family %s of layout %s", r.Family, r.Layout)
						}
						pixels, score := 1e-3, 1e-4
						if out == "float16" {
							pixels = 0.15 // the last place of 120 is 0.06, and the picture is twice as wide as the input
							score = 1e-3
						}
						if in == "float16" {
							score = 2e-3
						}
						wantDetections(t, got, want(), pixels, score)
					})
				}
			}
		}
	}
}

func TestNMSInsideTheGraph(t *testing.T) {
	e := open(t)
	for _, in := range []string{"float32", "float16", "uint8"} {
		for _, out := range []string{"float32", "float16"} {
			got, r := run(t, e, nmsGraph(in, out, 1), functions.Model{})
			if r.Family != functions.FamilyNMSIndices || r.Read.Corners != functions.CornersCXCYWH {
				t.Errorf("recognised as %s, %s", r.Family, r.Read.Corners)
			}
			wantDetections(t, got, want(), 0.15, 2e-3)
			got, _ = run(t, e, nmsGraph(in, out, 0), functions.Model{Read: functions.Read{Corners: "yxyx"}})
			wantDetections(t, got, want(), 0.15, 2e-3)
		}
	}
}

// A network that finds nothing: outputs of no rows, and not by an error.
func TestNoBoxesAtAll(t *testing.T) {
	e := open(t)
	for _, m := range members() {
		if !slices.Contains([]functions.Family{functions.FamilySSD, functions.FamilyYOLOv7E2E, functions.FamilyPaddle}, m.family) {
			continue
		}
		for _, out := range []string{"float32", "float16"} {
			none := m
			none.outputs = func([]seen) []half { return m.outputs(nil) }
			for _, h := range none.outputs(nil) {
				if h.declared == nil {
					t.Fatalf("%s: %s is not free", m.family, h.name)
				}
			}
			got, _ := run(t, e, none.write("float32", out, "nchw"), m.declare)
			if len(got) != 0 {
				t.Errorf("%s, %s: found %v", m.family, out, got)
			}
		}
	}
}

// What function.yaml says of the feed comes before the family's own.
func TestTheFeedIsWhatFunctionYAMLSays(t *testing.T) {
	e := open(t)
	detrRaw := slices.IndexFunc(members(), func(m member) bool { return m.family == functions.FamilyDETRRaw })
	for name, test := range map[string]struct {
		feed  functions.Feed
		place string
		first float64
	}{
		"ImageNet's mean and deviation": {functions.Feed{Mean: []float64{0.485, 0.456, 0.406}, Std: []float64{0.229, 0.224, 0.225}}, "stretched", (rgb - 0.485) / 0.229},
		"a mean alone":                  {functions.Feed{Mean: []float64{0.5, 0, 0}}, "stretched", rgb - 0.5},
		"Caffe's, in BGR":               {functions.Feed{Colours: "bgr", Divisor: 1, Mean: []float64{102.98, 115.95, 122.77}}, "stretched", 50 - 102.98},
		"from -1 to 1":                  {functions.Feed{Divisor: 127.5, Mean: []float64{1, 1, 1}}, "stretched", 200/127.5 - 1},
		"letterboxed":                   {functions.Feed{Place: "centred", Pad: new(0)}, "centred", rgb},
		"top left":                      {functions.Feed{Place: "top-left"}, "top-left", rgb},
	} {
		for _, layout := range []functions.Layout{"nchw", "nhwc"} {
			t.Run(name+" "+string(layout), func(t *testing.T) {
				m := members()[detrRaw]
				m.place, m.first = test.place, test.first
				got, _ := run(t, e, m.write("float32", "float32", layout), functions.Model{Feed: test.feed})
				wantDetections(t, got, want(), 1e-3, 1e-4)
			})
		}
	}
}

// The padding is what the feed says, and normalised like the picture.
func TestThePaddingIsNormalisedToo(t *testing.T) {
	e := open(t)
	m := members()[slices.IndexFunc(members(), func(m member) bool { return m.family == functions.FamilyYOLOE2E })]
	m.first = (7.0/255 - 0.25) / 0.5
	declared := m.declare
	declared.Feed = functions.Feed{Pad: new(7), Mean: []float64{0.25, 0, 0}, Std: []float64{0.5, 1, 1}}
	m.at = 3 // in the third row there is no picture
	got, _ := run(t, e, m.write("float32", "float32", "nhwc"), declared)
	wantDetections(t, got, want(), 1e-3, 1e-4)
}
