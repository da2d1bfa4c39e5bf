package inspect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
)

func TestTheTestModelsAreRecognised(t *testing.T) {
	coco := functions.COCO()
	tests := map[string]Recognised{
		"yolo11n":         {Family: functions.FamilyYOLOv8, Inputs: pictureOf(640), InputSize: 640, Outputs: []Port{{"output0", "float32", []int64{1, 84, 8400}}}, Classes: 80, Labels: coco},
		"yolo11n-dynamic": {Family: functions.FamilyYOLOv8, Inputs: pictureOf(640), InputSize: 640, Outputs: []Port{{"output0", "float32", []int64{1, 84, 8400}}}, Classes: 80, Labels: coco},
		"yolo26n":         {Family: functions.FamilyYOLOE2E, Inputs: pictureOf(640), InputSize: 640, Outputs: []Port{{"output0", "float32", []int64{1, 300, 6}}}, Classes: 80, Labels: coco},
		"yolox_nano":      {Family: functions.FamilyYOLOX, Inputs: pictureOf(416), InputSize: 416, Outputs: []Port{{"output", "float32", []int64{1, 3549, 85}}}, Classes: 80, Labels: coco},
		"centernet-mbv3":  {Family: functions.FamilyCenterNet, Inputs: pictureOf(512), InputSize: 512, Outputs: []Port{{"detections", "float32", []int64{1, 100, 6}}}, Classes: 80, Labels: coco},
		"deimv2_hgnetv2_atto_coco": {
			Family: functions.FamilyDETR, InputSize: 320, Classes: 80, Labels: coco,
			Inputs: append(pictureOf(320), Port{"orig_target_sizes", "int64", []int64{1, 2}}),
			Outputs: []Port{
				{"labels", "int64", []int64{-1, -1}}, {"boxes", "float32", []int64{-1, -1, 4}}, {"scores", "float32", []int64{-1, -1}},
			},
		},
		"deimv2_atto_raw": {
			Family: functions.FamilyDETRRaw, InputSize: 320, Classes: 80, Labels: coco, Inputs: pictureOf(320),
			Outputs: []Port{{"pred_logits", "float32", []int64{1, -1, 80}}, {"pred_boxes", "float32", []int64{1, -1, 4}}},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Inspect(testdata(t, "models/"+name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Recognise(m, functions.Function{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Recognised{}, "Reasons", "Layout", "Beside")); diff != "" {
				t.Error(diff)
			}
			if len(got.Reasons) != 3 {
				t.Errorf("reasons %q; want one for size, family and labels", got.Reasons)
			}
			if m.Parameters < 489_000 || m.Opset < 11 || m.Producer == "" {
				t.Errorf("%d parameters, opset %d, producer %q", m.Parameters, m.Opset, m.Producer)
			}
		})
	}
}

func pictureOf(size int64) []Port { return []Port{{"images", "float32", []int64{1, 3, size, size}}} }

func TestRecognise(t *testing.T) {
	const v8, e2e, x, centernet = functions.FamilyYOLOv8, functions.FamilyYOLOE2E, functions.FamilyYOLOX, functions.FamilyCenterNet
	images := func(axes ...any) []Tensor { return []Tensor{shaped("images", axes...)} }
	out := func(name string, axes ...any) []Tensor { return []Tensor{shaped(name, axes...)} }
	square := images(1, 3, 640, 640)
	ultralytics := func(pairs ...string) map[string]string {
		m := map[string]string{"author": "Ultralytics", "task": "detect"}
		for pair := range slices.Chunk(pairs, 2) {
			m[pair[0]] = pair[1]
		}
		return m
	}
	sized := append(images(1, 3, 640, 640), Tensor{Name: "orig_target_sizes", Type: "int64", Shape: []Axis{{Size: -1, Name: "n"}, {Size: 2}}})
	detr := []Tensor{{Name: "labels", Type: "int64", Shape: []Axis{{Size: 1}, {Size: 300}}}, shaped("boxes", 1, 300, 4), shaped("scores", 1, 300)}
	half := []Tensor{{Name: "images", Type: "float16", Shape: square[0].Shape}}

	tests := map[string]struct {
		model   Model
		declare functions.Model
		// want is "family size classes labels..." or, after an exclamation mark, a part of the error.
		want string
	}{
		"bare yolov8 is told by its cells":            {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "yolov8 640 80 person"},
		"yolov8 of two classes has no names":          {Model{Inputs: square, Outputs: out("o", 1, 6, 8400)}, functions.Model{}, "yolov8 640 2 "},
		"yolov8 at 320 pixels":                        {Model{Inputs: images(1, 3, 320, 320), Outputs: out("o", 1, 5, 2100)}, functions.Model{}, "yolov8 320 1 "},
		"a free size is what function.yaml says":      {Model{Inputs: images("b", 3, "h", "w"), Outputs: out("o", "b", 84, 2100)}, functions.Model{InputSize: 320}, "yolov8 320 80 person"},
		"a free size is the metadata's":               {Model{Inputs: images("b", 3, "h", "w"), Outputs: out("o", "b", 6, 8400), Metadata: ultralytics("imgsz", "[640, 640]", "names", "{0: 'a', 1: 'b'}")}, functions.Model{}, "yolov8 640 2 a"},
		"free cells are told by Ultralytics' names":   {Model{Inputs: images("b", 3, "h", "w"), Outputs: out("o", "b", 6, "n"), Metadata: ultralytics("names", "{0: 'a', 1: 'b'}")}, functions.Model{}, "yolov8 640 2 a"},
		"a free size with nothing known is 640":       {Model{Inputs: images("b", 3, "h", "w"), Outputs: out("o", "b", 84, 8400)}, functions.Model{}, "yolov8 640 80 person"},
		"yolox of 80 classes":                         {Model{graph: headOf("Sigmoid"), Inputs: square, Outputs: out("o", 1, 8400, 85)}, functions.Model{}, "yolox 640 80 person"},
		"yolox of one class also ends in 6":           {Model{graph: headOf("Sigmoid"), Inputs: square, Outputs: out("o", 1, 8400, 6)}, functions.Model{}, "yolox 640 1 "},
		"Ultralytics' boxes of 6 are yolo-e2e":        {Model{Inputs: square, Outputs: out("output0", 1, 300, 6), Metadata: ultralytics("end2end", "True")}, functions.Model{}, "yolo-e2e 640 0 "},
		"a hundred detections are centernet":          {Model{Inputs: images("batch", 3, 512, 512), Outputs: out("detections", "batch", 100, 6)}, functions.Model{}, "centernet 512 0 "},
		"a centernet by its producer":                 {Model{Producer: "tfjs_centernet2onnx", Inputs: square, Outputs: out("o", 1, 50, 6)}, functions.Model{}, "centernet 640 0 "},
		"labels of function.yaml come first":          {Model{Inputs: square, Outputs: out("o", 1, 6, 8400), Metadata: ultralytics("names", "{0: 'a', 1: 'b'}")}, functions.Model{Labels: []string{"x", "y"}}, "yolov8 640 2 x"},
		"declared centernet with labels":              {Model{Inputs: square, Outputs: out("o", 1, 77, 6)}, functions.Model{Family: centernet, Labels: []string{"x"}}, "centernet 640 1 x"},
		"declared yolo-e2e":                           {Model{Inputs: square, Outputs: out("o", 1, 300, 6)}, functions.Model{Family: e2e}, "yolo-e2e 640 0 "},
		"declared auto is a guess":                    {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{Family: functions.FamilyAuto}, "yolov8 640 80 person"},
		"declared yolov8 with all axes free":          {Model{Inputs: square, Outputs: out("o", "", "", "")}, functions.Model{Family: v8}, "yolov8 640 0 "},
		"the one output of several that can be read":  {Model{Inputs: square, Outputs: append(out("o", 1, 84, 8400), shaped("aux", 1, 64, 80, 80))}, functions.Model{}, "yolov8 640 80 person"},
		"names that cannot be read do not matter":     {Model{Inputs: square, Outputs: out("o", 1, 84, 8400), Metadata: map[string]string{"names": "{"}}, functions.Model{}, "yolov8 640 80 person"},
		"boxes of 6 by nobody name the field":         {Model{Inputs: square, Outputs: out("o", 1, 300, 6)}, functions.Model{}, "!spec.model.family in function.yaml settles it"},
		"an unknown layout names the field":           {Model{Inputs: square, Outputs: out("o", 1, 7, 7)}, functions.Model{}, "!spec.model.family in function.yaml settles it"},
		"two outputs that can be read name the field": {Model{Inputs: square, Outputs: append(out("o", 1, 84, 8400), shaped("p", 1, 84, 8400))}, functions.Model{}, "!several could be read"},
		"yolov5 is told by three anchors a cell":      {Model{Inputs: square, Outputs: out("o", 1, 25200, 85)}, functions.Model{}, "yolov5 640 80 person"},
		"yolov5 of one class also ends in 6":          {Model{Inputs: square, Outputs: out("o", 1, 25200, 6)}, functions.Model{}, "yolov5 640 1 "},
		"yolov5 with a fourth grid":                   {Model{Inputs: images(1, 3, 1280, 1280), Outputs: out("o", 1, 102000, 85)}, functions.Model{}, "yolov5 1280 80 person"},
		"declared yolov5 with free anchors":           {Model{Inputs: square, Outputs: out("o", 1, "", 7)}, functions.Model{Family: functions.FamilyYOLOv5}, "yolov5 640 2 "},
		"a declared yolov5 without objectness":        {Model{Inputs: square, Outputs: out("o", 1, 25200, 5)}, functions.Model{Family: functions.FamilyYOLOv5}, "!is not what family yolov5 reads, [1 anchors 5+classes]"},
		"yolov5 is no yolox":                          {Model{Inputs: square, Outputs: out("o", 1, 25200, 85)}, functions.Model{Family: x}, "!is not what family yolox reads"},
		"detr is fed the picture's size":              {Model{Inputs: sized, Outputs: detr}, functions.Model{}, "detr 640 0 "},
		"detr whose size comes first":                 {Model{Inputs: []Tensor{sized[1], sized[0]}, Outputs: detr}, functions.Model{}, "detr 640 0 "},
		"declared detr with labels":                   {Model{Inputs: sized, Outputs: detr}, functions.Model{Family: "detr", Labels: []string{"x"}}, "detr 640 1 x"},
		"detr of other outputs":                       {Model{Inputs: sized, Outputs: detr[:2]}, functions.Model{}, "!its outputs are not labels int64 [1 queries], boxes [1 queries 4] and scores"},
		"detr whose outputs differ in queries":        {Model{Inputs: sized, Outputs: []Tensor{detr[0], detr[1], shaped("scores", 1, 100)}}, functions.Model{}, "!its outputs are not labels"},
		"a size is fed to detr alone":                 {Model{Inputs: sized, Outputs: out("o", 1, 84, 8400)}, functions.Model{Family: v8}, "!family yolov8 is fed a picture alone"},
		"declared detr without a size":                {Model{Inputs: square, Outputs: detr}, functions.Model{Family: "detr"}, "!detr-raw is fed a picture alone"},
		"logits and boxes are detr-raw":               {Model{Inputs: square, Outputs: append(out("pred_logits", 1, 300, 80), shaped("pred_boxes", 1, 300, 4))}, functions.Model{}, "detr-raw 640 80 person"},
		"boxes may come first":                        {Model{Inputs: square, Outputs: append(out("boxes", 1, 300, 4), shaped("logits", 1, 300, 7))}, functions.Model{}, "detr-raw 640 7 "},
		"four classes are told by name":               {Model{Inputs: square, Outputs: append(out("logits", 1, 300, 4), shaped("pred_boxes", 1, 300, 4))}, functions.Model{}, "detr-raw 640 4 "},
		"scores without the word logits are not told": {Model{Inputs: square, Outputs: append(out("dets", 1, 300, 4), shaped("labels", 1, 300, 91))}, functions.Model{}, "!spec.model.family in function.yaml settles it"},
		"declared detr-raw of other names":            {Model{Inputs: square, Outputs: append(out("dets", 1, 300, 4), shaped("labels", 1, 300, 91))}, functions.Model{Family: "detr-raw"}, "detr-raw 640 80 person"},
		"the first DETR's softmax of 91 classes":      {Model{Inputs: square, Outputs: append(out("logits", 1, 100, 92), shaped("pred_boxes", 1, 100, 4))}, functions.Model{}, "detr-softmax 640 80 person"},
		"torchvision's outputs are ssd":               {Model{Inputs: square, Outputs: []Tensor{shaped("boxes", "n", 4), {Name: "labels", Type: "int64", Shape: []Axis{{Size: -1}}}, shaped("scores", "n")}}, functions.Model{}, "ssd 640 0 "},
		"an NMS plugin without its classes":           {Model{Inputs: square, Outputs: append(out("num_dets", 1, 1), shaped("det_boxes", 1, 100, 4), shaped("det_scores", 1, 100))}, functions.Model{}, "!spec.model.family in function.yaml settles it"},
		"YOLOv7 with its NMS":                         {Model{Inputs: square, Outputs: out("output", "n", 7)}, functions.Model{}, "yolov7-e2e 640 0 "},
		"logits without boxes":                        {Model{Inputs: square, Outputs: out("logits", 1, 300, 80)}, functions.Model{}, "!not one pair of logits [1 queries classes] and boxes [1 queries 4]"},
		"transposed yolov8 is not taken for yolox":    {Model{Inputs: square, Outputs: out("o", 1, 8400, 84), Metadata: map[string]string{"names": "{" + numbered(80) + "}"}}, functions.Model{}, "!it would have 79 classes, and its metadata names 80"},
		"a declared yolox of other cells":             {Model{Inputs: square, Outputs: out("o", 1, 8000, 85)}, functions.Model{Family: x}, "!is not what family yolox reads, [1 8400 5+classes]"},
		"a declared family that cannot be":            {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{Family: e2e}, "!is not what family yolo-e2e reads, [1 boxes 6]"},
		"a family that does not exist":                {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{Family: "retinanet"}, `!spec.model.family "retinanet" is none of`},
		"too few labels":                              {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{Labels: []string{"x"}}, "!it has 80 classes, and spec.model.labels names 1"},
		"another size than the graph's":               {Model{Inputs: square, Outputs: out("o", 1, 84, 8400)}, functions.Model{InputSize: 320}, "!fixed at 640 pixels, and spec.model.inputSize says 320"},
		"a size that is no multiple of 32":            {Model{Inputs: images(1, 3, 300, 300), Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "!multiple of 32"},
		"a size beyond all pictures":                  {Model{Inputs: images(1, 3, 1<<40, 1<<40), Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "!it is 32 to 4096"},
		"an input that is no square":                  {Model{Inputs: images(1, 3, 480, 640), Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "!fed as a square"},
		"an input of half precision":                  {Model{Inputs: half, Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "yolov8 640 80 person"},
		"a fixed batch":                               {Model{Inputs: images(4, 3, 640, 640), Outputs: out("o", 4, 84, 8400)}, functions.Model{}, "!a fixed batch of 4"},
		"an input in NHWC":                            {Model{Inputs: images(1, 640, 640, 3), Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "yolov8 640 80 person"},
		"two inputs":                                  {Model{Inputs: append(images(1, 3, 640, 640), shaped("sizes", 1, 2)), Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "!it takes 2 inputs (images float32 [1 3 640 640], sizes float32 [1 2])"},
		"no input":                                    {Model{Outputs: out("o", 1, 84, 8400)}, functions.Model{}, "!it takes 0 inputs"},
		"another task":                                {Model{Inputs: square, Outputs: out("o", 1, 116, 8400), Metadata: map[string]string{"task": "segment"}}, functions.Model{}, `!its task is "segment"`},
		"weights in other files":                      {Model{Inputs: square, Outputs: out("o", 1, 84, 8400), External: true}, functions.Model{}, "!save it as one file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fn := functions.Function{Spec: functions.Spec{Model: test.declare}}
			r, err := Recognise(&test.model, fn)
			if want, refused := strings.CutPrefix(test.want, "!"); refused {
				if err == nil || functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), want) {
					t.Errorf("Recognise: %v; want an Unavailable error that says %q", err, want)
				}
				return
			}
			first := ""
			if len(r.Labels) > 0 {
				first = r.Labels[0]
			}
			if got := fmt.Sprint(r.Family, " ", r.InputSize, " ", r.Classes, " ", first); err != nil || got != test.want {
				t.Errorf("Recognise: %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d: 'c%d', ", i, i)
	}
	return b.String()
}

// headOf is a graph whose output o comes of a convolution by operations of the kinds.
func headOf(kinds ...string) *graph {
	g := newGraph()
	g.nodes = append(g.nodes, node{operator: operator{kind: "Conv"}, inputs: []string{"images", "w"}, outputs: []string{"0"}})
	for i, kind := range kinds {
		g.nodes = append(g.nodes, node{operator: operator{kind: kind}, inputs: []string{fmt.Sprint(i)}, outputs: []string{fmt.Sprint(i + 1)}})
	}
	g.nodes[len(kinds)].outputs[0] = "o"
	return g
}
