package inspect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// typed is a tensor of another type than float32.
func typed(kind, name string, axes ...any) Tensor {
	t := shaped(name, axes...)
	t.Type = kind
	return t
}

func TestTheOtherFamiliesAreRecognised(t *testing.T) {
	square := []Tensor{shaped("images", 1, 3, 640, 640)}
	ultralytics := map[string]string{"author": "Ultralytics", "names": "{0: 'a', 1: 'b', 2: 'c'}"}
	tf := []Tensor{typed("uint8", "input_tensor", 1, "", "", 3)}
	tfOut := []Tensor{shaped("num_detections:0", 1), shaped("detection_boxes:0", 1, "n", 4), shaped("detection_scores:0", 1, "n"), shaped("detection_classes:0", 1, "n")}
	scale := append([]Tensor{shaped("im_shape", "b", 2)}, square[0], shaped("scale_factor", "b", 2))
	list := []Tensor{shaped("boxes", 1, "n", 4), typed("int64", "labels", 1, "n"), shaped("scores", 1, "n")}
	nms := []Tensor{typed("int64", "selected", "n", 3), shaped("boxes", 1, 8400, 4), shaped("scores", 1, 80, 8400)}
	suppress := newGraph()
	suppress.nodes = []node{{operator: operator{kind: "NonMaxSuppression"}, ints: map[string][]int64{"center_point_box": {1}}}}

	for name, test := range map[string]struct {
		model   Model
		declare functions.Model
		// want is "family size layout classes classIds", or, after an exclamation mark, a part of the error.
		want string
	}{
		"YOLOX does nothing but a sigmoid":             {Model{graph: headOf("Sigmoid", "Concat"), Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 85)}}, functions.Model{}, "yolox 640 nchw 80 "},
		"YOLOX with its decoding takes an exponential": {Model{graph: headOf("Exp", "Mul", "Concat"), Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 85)}}, functions.Model{}, "yolox-decoded 640 nchw 80 "},
		"YOLOv6 multiplies without one":                {Model{graph: headOf("Sub", "Mul", "Concat"), Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 85)}}, functions.Model{}, "yolov6 640 nchw 80 "},
		"a head without convolutions tells nothing":    {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 85)}}, functions.Model{}, "!could be of family yolox, yolox-decoded or yolov6: what the graph does before it does not tell; spec.model.family in function.yaml settles it"},
		"84 columns could be COCO's":                   {Model{graph: headOf("Sigmoid"), Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 84)}}, functions.Model{}, "!or 4 sides and COCO's 80"},
		"declared yolov6":                              {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 8400, 85)}}, functions.Model{Family: "yolov6"}, "yolov6 640 nchw 80 "},
		"Ultralytics' RT-DETR":                         {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 300, 7)}, Metadata: ultralytics}, functions.Model{}, "rtdetr 640 nchw 3 "},
		"torchvision without a batch":                  {Model{Inputs: []Tensor{shaped("image", 3, "h", "w")}, Outputs: []Tensor{shaped("b", "n", 4), typed("int64", "l", "n"), shaped("s", "n")}}, functions.Model{}, "ssd 640 chw 0 "},
		"torchvision's SSD at 300 pixels":              {Model{Inputs: []Tensor{shaped("image", 1, 3, 300, 300)}, Outputs: []Tensor{shaped("b", "n", 4), typed("int64", "l", "n"), shaped("s", "n")}}, functions.Model{Read: functions.Read{ClassIDs: "coco91"}}, "ssd 300 nchw 80 coco91"},
		"a list of unknown unit names the field":       {Model{Inputs: square, Outputs: list}, functions.Model{}, "!whether boxes are pixels of the input or shares of it cannot be told; spec.model.read.unit in function.yaml settles it"},
		"a list of declared unit":                      {Model{Inputs: square, Outputs: list}, functions.Model{Read: functions.Read{Unit: "shares"}}, "ssd 640 nchw 0 "},
		"TensorFlow's bytes, channels last":            {Model{Inputs: tf, Outputs: tfOut}, functions.Model{InputSize: 300}, "tf-od 300 nhwc 0 "},
		"TensorFlow's COCO is told by its raw scores":  {Model{Inputs: tf, Outputs: append(tfOut, shaped("raw_detection_scores", 1, 1917, 91))}, functions.Model{}, "tf-od 640 nhwc 80 coco91"},
		"TensorFlow's own classes":                     {Model{Inputs: tf, Outputs: append(tfOut, shaped("raw_detection_scores", 1, 1917, 4))}, functions.Model{Labels: []string{"a", "b", "c"}}, "tf-od 640 nhwc 3 "},
		"bytes are not divided":                        {Model{Inputs: tf, Outputs: tfOut}, functions.Model{Feed: functions.Feed{Divisor: 255}}, "!takes bytes as they are, and spec.model.feed divides or shifts them"},
		"EfficientNMS":                                 {Model{Inputs: square, Outputs: []Tensor{typed("int32", "num_dets", 1, 1), shaped("det_boxes", 1, 100, 4), shaped("det_scores", 1, 100), typed("int32", "det_classes", 1, 100)}}, functions.Model{}, "efficient-nms 640 nchw 0 "},
		"YOLO-NAS' batch format is like it":            {Model{Inputs: []Tensor{typed("uint8", "input", 1, 3, 640, 640)}, Outputs: []Tensor{typed("int64", "num_predictions", 1, 1), shaped("pred_boxes", 1, 1000, 4), shaped("pred_scores", 1, 1000), typed("int64", "pred_classes", 1, 1000)}}, functions.Model{}, "efficient-nms 640 nchw 0 "},
		"YOLO-NAS' flat format is not told":            {Model{Inputs: square, Outputs: []Tensor{shaped("graph2_flat_predictions", "n", 7)}}, functions.Model{}, "!class and score in either order"},
		"NMS by centres":                               {Model{graph: suppress, Inputs: square, Outputs: nms}, functions.Model{}, "nms-indices 640 nchw 80 "},
		"NMS by corners names the field":               {Model{Inputs: square, Outputs: nms}, functions.Model{}, "!whether left or top comes first cannot be told; spec.model.read.corners in function.yaml settles it"},
		"NMS of declared corners":                      {Model{Inputs: square, Outputs: nms}, functions.Model{Read: functions.Read{Corners: "xyxy"}}, "nms-indices 640 nchw 80 "},
		"PP-YOLOE is fed a scale":                      {Model{Inputs: scale, Outputs: []Tensor{shaped("multiclass_nms3_0.tmp_0", "n", 6), typed("int32", "multiclass_nms3_0.tmp_2", "n")}}, functions.Model{}, "paddle 640 nchw 0 "},
		"a scale is fed to paddle alone":               {Model{Inputs: scale, Outputs: []Tensor{shaped("o", 1, 84, 8400)}}, functions.Model{Family: "yolov8"}, "!family yolov8 is fed a picture alone"},
		"DETR's logits of COCO's category ids":         {Model{Inputs: square, Outputs: []Tensor{shaped("logits", 1, 300, 91), shaped("pred_boxes", 1, 300, 4)}}, functions.Model{}, "detr-raw 640 nchw 80 coco91"},
		"the first DETR takes a softmax":               {Model{Inputs: square, Outputs: []Tensor{shaped("logits", 1, 100, 92), shaped("pred_boxes", 1, 100, 4)}}, functions.Model{}, "detr-softmax 640 nchw 80 coco91"},
		"category ids of a model of 20 classes":        {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 24, 8400)}}, functions.Model{Read: functions.Read{ClassIDs: "coco91"}}, "!it has 20 classes, and spec.model.read.classIds coco91"},
		"corners of a family with one way":             {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 24, 8400)}}, functions.Model{Read: functions.Read{Corners: "yxyx"}}, "!family yolov8 reads its boxes one way"},
		"half precision in and out":                    {Model{Inputs: []Tensor{typed("float16", "images", 1, 3, 640, 640)}, Outputs: []Tensor{typed("float16", "o", 1, 84, 8400)}}, functions.Model{}, "yolov8 640 nchw 80 "},
		"an input of int8":                             {Model{Inputs: []Tensor{typed("int8", "images", 1, 3, 640, 640)}, Outputs: []Tensor{shaped("o", 1, 84, 8400)}}, functions.Model{}, "!export it with an input of float32, float16 or uint8"},
		"one side is fixed":                            {Model{Inputs: []Tensor{shaped("images", 1, 3, "h", 320)}, Outputs: []Tensor{shaped("o", 1, 84, 2100)}}, functions.Model{}, "yolov8 320 nchw 80 "},
		"free sides and a metadata that is no square":  {Model{Inputs: []Tensor{shaped("images", 1, 3, "h", "w")}, Outputs: []Tensor{shaped("o", 1, 7, "")}, Metadata: map[string]string{"author": "Ultralytics", "names": "['a','b','c']", "imgsz": "[384, 640]"}}, functions.Model{}, "yolov8 640 nchw 3 "},
		"free sides of a stride of 128":                {Model{Inputs: []Tensor{shaped("images", 1, 3, "h", "w")}, Outputs: []Tensor{shaped("o", 1, 7, "")}, Metadata: map[string]string{"author": "Ultralytics", "names": "['a','b','c']", "stride": "96"}}, functions.Model{}, "yolov8 672 nchw 3 "},

		"a classifier":               {Model{Inputs: square, Outputs: []Tensor{shaped("logits", 1, 1000)}}, functions.Model{}, "!it looks like a classifier or an embedding (logits float32 [1 1000] is a row of 1000 numbers a picture)"},
		"a segmentation network":     {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 21, 640, 640)}}, functions.Model{}, "!it looks like a segmentation network"},
		"a depth network":            {Model{Inputs: square, Outputs: []Tensor{shaped("depth", 1, 1, 640, 640)}}, functions.Model{}, "!it looks like a network that makes pictures of pictures"},
		"YOLO with masks":            {Model{Inputs: square, Outputs: []Tensor{shaped("o", 1, 116, 8400), shaped("p", 1, 32, 160, 160)}}, functions.Model{}, "!it looks like an instance segmentation network"},
		"grids before the decoding":  {Model{Inputs: square, Outputs: []Tensor{shaped("a", 1, 255, 80, 80), shaped("b", 1, 255, 40, 40), shaped("c", 1, 255, 20, 20)}}, functions.Model{}, "!it looks like a detector's grids before their decoding"},
		"YOLOv5's three grids":       {Model{Inputs: square, Outputs: []Tensor{shaped("a", 1, 3, 80, 80, 85), shaped("b", 1, 3, 40, 40, 85), shaped("c", 1, 3, 20, 20, 85)}}, functions.Model{}, "!it looks like a detector's grids before their decoding"},
		"a language model":           {Model{Inputs: []Tensor{typed("int64", "input_ids", "b", "s"), typed("int64", "attention_mask", "b", "s")}, Outputs: []Tensor{shaped("logits", "b", "s", 32000)}}, functions.Model{}, "!it looks like a language model (it is fed input_ids int64 [b s])"},
		"a model for sound":          {Model{Inputs: []Tensor{shaped("input_features", "b", 80, 3000)}, Outputs: []Tensor{shaped("h", "b", 1500, 384)}}, functions.Model{}, "!it looks like a model for sound"},
		"a model of a table":         {Model{Inputs: []Tensor{shaped("X", "n", 13)}, Outputs: []Tensor{shaped("y", "n", 1)}}, functions.Model{}, "!it looks like a model for rows of numbers"},
		"weights outside the folder": {Model{Inputs: square, External: true, Location: "../../etc/shadow"}, functions.Model{}, `!its weights lie in "../../etc/shadow", outside its own folder`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Recognise(&test.model, functions.Function{Spec: functions.Spec{Model: test.declare}})
			if want, refused := strings.CutPrefix(test.want, "!"); refused {
				if functions.KindOf(err) != functions.Unavailable || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("Recognise: %v; want an Unavailable error that says %q", err, want)
				}
				return
			}
			if got := fmt.Sprint(r.Family, " ", r.InputSize, " ", r.Layout, " ", r.Classes, " ", r.Read.ClassIDs); err != nil || got != test.want {
				t.Errorf("Recognise: %q, %v; want %q", got, err, test.want)
			}
			if r.Fed() == "" || r.Reads() == "" {
				t.Error("it is fed or read without a word")
			}
		})
	}
}

func TestTheFeedIsSaidInWords(t *testing.T) {
	r := Recognised{
		Family: functions.FamilyTFOD, InputSize: 300, Layout: functions.LayoutNHWC, Inputs: []Port{{Type: "uint8"}},
		Read: functions.Read{ClassIDs: functions.ClassIDsCOCO91},
	}
	for got, want := range map[string]string{
		r.Fed():   "stretched to 300 x 300 pixels, RGB from 0 to 255, channels last, as uint8",
		r.Reads(): "boxes, classes and scores; two corners, y first, in shares of the input; class ids are COCO's category ids; no NMS",
		Recognised{Family: functions.FamilyYOLOX, InputSize: 416}.Fed():       "letterboxed into 416 x 416 pixels, top left on grey (114), BGR from 0 to 255",
		Recognised{Family: functions.FamilyDETRSoftmax, InputSize: 800}.Fed(): "stretched to 800 x 800 pixels, RGB over 255 less [0.485 0.456 0.406] over [0.229 0.224 0.225]",
		Recognised{Family: functions.FamilyCenterNet, InputSize: 512}.Reads(): "two corners in input pixels, score and class; NMS above IoU 0.5",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
