package onnx

import (
	"math"
	"slices"

	"github.com/seed45885407/saccade/functions"
)

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
