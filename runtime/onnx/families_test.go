package onnx

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
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

// member is a family in the test: what its network answers, and what it is fed.
type member struct {
	family  functions.Family
	declare functions.Model
	place   string
	// first is the first value of a pixel of the picture, as the network is fed it.
	first   float64
	beside  []string // float32 [1 2] inputs
	sized   bool
	outputs func(list []seen) []half
	nms     bool // the network leaves the choice to us
	at      int  // the row of the value that is looked at; 0: one of the picture's
}

const (
	rgb = 200.0 / 255
	bgr = 50.0
)

func members() []member {
	const centred, topLeft, stretched = functions.PlaceCentred, functions.PlaceTopLeft, functions.PlaceStretched
	return []member{
		{family: functions.FamilyYOLOv5, place: centred, first: rgb, nms: true, outputs: cellRows(252)},
		{family: functions.FamilyYOLOv6, declare: functions.Model{Family: "yolov6"}, place: centred, first: rgb, nms: true, outputs: cellRows(84)},
		{family: functions.FamilyYOLOXDecoded, declare: functions.Model{Family: "yolox-decoded"}, place: topLeft, first: bgr, nms: true, outputs: cellRows(84)},
		{family: functions.FamilyYOLOX, declare: functions.Model{Family: "yolox"}, place: topLeft, first: bgr, nms: true, outputs: yoloxCells},
		{family: functions.FamilyYOLOv8, place: centred, first: rgb, nms: true, outputs: yolov8Columns},
		{family: functions.FamilyYOLOv7E2E, place: centred, first: rgb, outputs: rows("output", 7, func(s seen, at, score []float32) {
			copy(at, []float32{0, s.x1, s.y1, s.x2, s.y2, float32(s.class), 0})
			score[6] = s.score
		}, -1, 7)},
		{family: functions.FamilyYOLOE2E, declare: functions.Model{Family: "yolo-e2e"}, place: centred, first: rgb, outputs: batched(300, cornersScoreClass)},
		{family: functions.FamilyCenterNet, place: centred, first: rgb, nms: true, outputs: batched(100, cornersScoreClass)},
		{family: functions.FamilyPaddle, place: stretched, first: rgb, beside: []string{"im_shape", "scale_factor"}, outputs: rows("multiclass_nms3_0.tmp_0", 6, func(s seen, at, score []float32) {
			copy(at, []float32{float32(s.class), 0, s.x1, s.y1, s.x2, s.y2})
			score[1] = s.score
		}, -1, 6)},
		{family: functions.FamilyDETR, place: stretched, first: rgb, sized: true, outputs: detrList},
		{family: functions.FamilyDETRRaw, place: stretched, first: rgb, outputs: detrLogits(3)},
		{family: functions.FamilyDETRSoftmax, declare: functions.Model{Family: "detr-softmax"}, place: stretched, first: (rgb - 0.485) / 0.229, outputs: detrLogits(4)},
		{family: functions.FamilyRTDETR, declare: functions.Model{Family: "rtdetr"}, place: stretched, first: rgb, outputs: rtdetrRows},
		{family: functions.FamilySSD, place: stretched, first: rgb, outputs: listOf("boxes", "labels", "scores", "int64", false, 1, 0, false)},
		{
			family: functions.FamilySSD, declare: functions.Model{Read: functions.Read{Unit: "shares", ClassIDs: "from-1"}}, place: stretched, first: rgb,
			outputs: listOf("bboxes", "labels", "scores", "int64", true, side, 1, false),
		},
		{family: functions.FamilyTFOD, place: stretched, first: 200, outputs: listOf("detection_boxes", "detection_classes", "detection_scores", "float32", true, side, 1, true)},
		{family: functions.FamilyEfficientNMS, place: centred, first: rgb, outputs: efficientList},
	}
}

// rows answers one row a box, [n, wide], its first axis declared as given.
func rows(name string, wide int64, write func(s seen, at, score []float32), declared ...int64) func([]seen) []half {
	return func(list []seen) []half {
		h := blank(name, int64(len(list)), wide).free(declared...)
		for i, s := range list {
			write(s, h.fixed[i*int(wide):], h.scores[i*int(wide):])
		}
		return []half{h}
	}
}

func cornersScoreClass(s seen, at, score []float32) {
	copy(at, []float32{s.x1, s.y1, s.x2, s.y2, 0, float32(s.class)})
	score[4] = s.score
}

// batched answers n rows of 6, of which few mean something.
func batched(n int64, write func(s seen, at, score []float32)) func([]seen) []half {
	return func(list []seen) []half {
		h := blank("detections", 1, n, 6)
		for i, s := range list {
			write(s, h.fixed[i*6:], h.scores[i*6:])
		}
		return []half{h}
	}
}

func (s seen) centre() (cx, cy, w, h float32) {
	return (s.x1 + s.x2) / 2, (s.y1 + s.y2) / 2, s.x2 - s.x1, s.y2 - s.y1
}

// cellRows answers cx, cy, w, h, objectness and three classes, in pixels.
func cellRows(n int64) func([]seen) []half {
	return func(list []seen) []half {
		h := blank("output", 1, n, 8)
		for i, s := range list {
			at := h.fixed[(7*i+3)*8:]
			at[0], at[1], at[2], at[3] = s.centre()
			at[4] = 1
			h.scores[(7*i+3)*8+5+s.class] = s.score
		}
		return []half{h}
	}
}

// yoloxCells answers offsets and logarithms, in cells of the finest grid.
func yoloxCells(list []seen) []half {
	h := blank("output", 1, 84, 8)
	for i, s := range list {
		gx, gy := 1+2*i, 3
		at := (gy*8 + gx) * 8
		cx, cy, w, high := s.centre()
		copy(h.fixed[at:], []float32{
			cx/8 - float32(gx), cy/8 - float32(gy),
			float32(math.Log(float64(w / 8))), float32(math.Log(float64(high / 8))), 1,
		})
		h.scores[at+5+s.class] = s.score
	}
	return []half{h}
}

func yolov8Columns(list []seen) []half {
	h := blank("output0", 1, 7, 84)
	for i, s := range list {
		at := 5 * i
		h.fixed[at], h.fixed[84+at], h.fixed[2*84+at], h.fixed[3*84+at] = s.centre()
		h.scores[(4+s.class)*84+at] = s.score
	}
	return []half{h}
}

func rtdetrRows(list []seen) []half {
	h := blank("output0", 1, 300, 7)
	for i, s := range list {
		cx, cy, w, high := s.centre()
		copy(h.fixed[7*i:], []float32{cx / side, cy / side, w / side, high / side})
		h.scores[7*i+4+s.class] = s.score
	}
	return []half{h}
}

// detrList answers in the picture's own pixels: it is fed their size.
func detrList(list []seen) []half {
	n := int64(len(list))
	labels := half{name: "labels", shape: []int64{1, n}}
	boxes, scores := blank("boxes", 1, n, 4), blank("scores", 1, n)
	for i, s := range list {
		labels.ints = append(labels.ints, int64(s.class))
		copy(boxes.fixed[4*i:], []float32{s.x1 * 2, s.y1, s.x2 * 2, s.y2})
		scores.scores[i] = s.score
	}
	return []half{labels, boxes, scores}
}

// detrLogits answers logits of n classes; a fourth is no object. The scores are
// their sigmoid or softmax, which the picture has a part in where it is 1 exactly.
func detrLogits(n int) func([]seen) []half {
	return func(list []seen) []half {
		logits, boxes := blank("pred_logits", 1, 10, int64(n)), blank("pred_boxes", 1, 10, 4)
		for i := range logits.fixed {
			logits.fixed[i] = -30
		}
		for i := range 10 {
			if n == 4 {
				logits.fixed[4*i+3] = 0 // no object
			}
		}
		for i, s := range list {
			cx, cy, w, h := s.centre()
			copy(boxes.fixed[4*i:], []float32{cx / side, cy / side, w / side, h / side})
			logit := float32(math.Log(float64(s.score) / (1 - float64(s.score))))
			logits.fixed[i*n+s.class], logits.scores[i*n+s.class] = 0, logit
		}
		return []half{logits, boxes}
	}
}

// listOf answers boxes, classes and scores, apart.
func listOf(boxName, className, scoreName, classType string, batch bool, over float32, firstClass int, yFirst bool) func([]seen) []half {
	return func(list []seen) []half {
		n := int64(len(list))
		one, free := []int64{n}, []int64{-1}
		four, freeFour := []int64{n, 4}, []int64{-1, 4}
		if batch {
			one, free = []int64{1, n}, []int64{1, -1}
			four, freeFour = []int64{1, n, 4}, []int64{1, -1, 4}
		}
		boxes, scores := blank(boxName, four...).free(freeFour...), blank(scoreName, one...).free(free...)
		classes := blank(className, one...).free(free...)
		for i, s := range list {
			at := []float32{s.x1 / over, s.y1 / over, s.x2 / over, s.y2 / over}
			if yFirst {
				at[0], at[1], at[2], at[3] = at[1], at[0], at[3], at[2]
			}
			copy(boxes.fixed[4*i:], at)
			scores.scores[i] = s.score
			classes.fixed[i] = float32(s.class + firstClass)
			if classType == "int64" {
				classes.ints = append(classes.ints, int64(s.class+firstClass))
			}
		}
		return []half{boxes, classes, scores}
	}
}

// efficientList answers a count, and one row more that is none.
func efficientList(list []seen) []half {
	count := half{name: "num_dets", shape: []int64{1, 1}, ints: []int64{int64(len(list))}}
	stray := seen{1, 1, 60, 60, 0.99, 0}
	made := listOf("det_boxes", "det_classes", "det_scores", "int64", true, 1, 0, false)(append(slices.Clone(list), stray))
	return append([]half{count}, made...)
}

// write is a network of the family, as bytes.
func (m member) write(in, out string, layout functions.Layout) []byte {
	b := &builder{}
	b.input("images", in, layout.Shape(side)...)
	if m.sized {
		b.input("orig_target_sizes", "int64", 1, 2)
	}
	for _, name := range m.beside {
		b.input(name, "float32", 1, 2)
	}
	row := m.at
	if row == 0 {
		row = 20 // of the picture, however it is placed
	}
	middle := row*side + side/2
	if layout.ChannelsLast() {
		middle *= 3
	}
	first := m.first
	if in == "uint8" {
		first = 200 // whatever it would be divided by
		if m.first == bgr {
			first = bgr
		}
	}
	// The first value of that pixel, over what it should be.
	flat := b.node("Reshape", "", []string{b.cast("images", "", "float32"), b.ints([]int64{-1}, 1)})
	value := b.node("Gather", "", []string{flat, b.ints([]int64{int64(middle)}, 1)})
	share := b.node("Div", "", []string{value, b.floats([]float32{float32(first)}, 1)})
	for _, besides := range append(slices.Clone(m.beside), map[bool][]string{true: {"orig_target_sizes"}}[m.sized]...) {
		share = b.scaled(share, besides)
	}
	list := objects(m.place)
	if m.nms {
		list = twice(list)
	}
	for _, h := range m.outputs(list) {
		declared := h.shape
		if h.declared != nil {
			declared = h.declared
		}
		if h.ints != nil {
			kind := "int64"
			if h.name == "num_dets" || h.name == "det_classes" {
				kind = "int32" // as the plugin has it
			}
			b.cast(b.ints(h.ints, h.shape...), h.name, kind)
			b.output(h.name, kind, declared...)
			continue
		}
		scores := b.node("Mul", "", []string{b.floats(h.scores, h.shape...), share})
		sum := b.node("Add", "", []string{b.floats(h.fixed, h.shape...), scores})
		b.cast(sum, h.name, out)
		b.output(h.name, out, declared...)
	}
	return b.file()
}

// scaled is share times what is fed beside the picture over what that should be.
func (b *builder) scaled(share, name string) string {
	should := map[string][]float32{"orig_target_sizes": {128, 64}, "scale_factor": {1, 1}, "im_shape": {side, side}}[name]
	over := b.node("Div", "", []string{b.cast(name, "", "float32"), b.floats(should, 1, 2)})
	sum := b.node("ReduceMax", "", []string{over}, attribute{"keepdims", 0})
	return b.node("Mul", "", []string{share, sum})
}

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

// nmsGraph is a network whose last step is ONNX's own NonMaxSuppression, which takes
// boxes by their centres or by two corners.
func nmsGraph(in, out string, centred int64) []byte {
	b := &builder{}
	b.input("images", in, 1, 3, side, side)
	boxes, scores := blank("boxes", 1, 4, 4), blank("scores", 1, 3, 4)
	for i, s := range twice(objects(functions.PlaceCentred)) {
		at := boxes.fixed[4*i:]
		if at[0], at[1], at[2], at[3] = s.y1, s.x1, s.y2, s.x2; centred == 1 {
			at[0], at[1], at[2], at[3] = s.centre()
		}
		scores.scores[4*s.class+i] = s.score
	}
	flat := b.node("Reshape", "", []string{b.cast("images", "", "float32"), b.ints([]int64{-1}, 1)})
	value := b.node("Gather", "", []string{flat, b.ints([]int64{20*side + side/2}, 1)})
	first := float32(rgb)
	if in == "uint8" {
		first = 200
	}
	share := b.node("Div", "", []string{value, b.floats([]float32{first}, 1)})
	confidence := b.node("Mul", "", []string{b.floats(scores.scores, 1, 3, 4), share})
	places := b.floats(boxes.fixed, 1, 4, 4)
	b.node("NonMaxSuppression", "selected_indices", []string{
		places, confidence, b.ints([]int64{100}, 1), b.floats([]float32{0.5}, 1), b.floats([]float32{0.05}, 1),
	}, attribute{"center_point_box", centred})
	b.cast(places, "boxes", out)
	b.cast(confidence, "scores", out)
	b.output("selected_indices", "int64", -1, 3)
	b.output("boxes", out, 1, 4, 4)
	b.output("scores", out, 1, 3, 4)
	return b.file()
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
