package inspect

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// The layouts of networks that have chosen their boxes, n or at most n:
//
//	ssd            boxes [n, 4], labels int64 [n], scores [n]                torchvision/models/detection
//	tf-od          detection_boxes [1, n, 4], _classes [1, n], _scores       tensorflow/models, object_detection
//	efficient-nms  num_dets [1, 1], boxes [1, n, 4], scores, classes [1, n]  NVIDIA/TensorRT, efficientNMSPlugin
//	nms-indices    int64 [n, 3], boxes [1, N, 4], scores [1, classes, N]     onnx, NonMaxSuppression
//	yolov7-e2e     [n, 7]: picture, two corners, class, score                WongKinYiu/yolov7, export.py --end2end
//	paddle         [n, 6]: class, score, two corners                         PaddleDetection
type boxList struct {
	boxes, scores, classes []Port
	count                  []Port
}

// list sorts the outputs by what they may be of a list of boxes.
func (r *recognition) list() (l boxList) {
	for _, p := range r.all() {
		name := strings.ToLower(p.Name)
		rank := len(p.Shape)
		flat := rank == 1 || rank == 2 && p.Shape[0] <= 1
		switch {
		case flat && (strings.HasPrefix(name, "num") || strings.Contains(name, "count")):
			l.count = append(l.count, p)
		case p.fraction() && (rank == 2 || rank == 3 && p.Shape[0] <= 1) && p.Shape[rank-1] == 4 &&
			!(rank == 2 && p.Shape[0] == 1 && !strings.Contains(name, "box")):
			l.boxes = append(l.boxes, p)
		case flat && (p.whole() || p.fraction() && (strings.Contains(name, "class") || strings.Contains(name, "label"))):
			l.classes = append(l.classes, p)
		case flat && p.fraction():
			l.scores = append(l.scores, p)
		}
	}
	return l
}

func (l boxList) one() bool { return len(l.boxes) == 1 && len(l.scores) == 1 && len(l.classes) == 1 }

func (r *recognition) ssd() (match, string) {
	l := r.list()
	if !l.one() || len(l.count) > 0 {
		return match{}, "its outputs are not one each of boxes [n 4], labels [n] and scores [n]"
	}
	m := match{
		family:  functions.FamilySSD,
		reason:  fmt.Sprintf("%v, %v and %v are boxes, labels and scores as torchvision's detectors give them", l.boxes[0], l.classes[0], l.scores[0]),
		outputs: []Port{l.boxes[0], l.classes[0], l.scores[0]},
	}
	if len(l.boxes[0].Shape) == 3 && r.declared.Read.Unit == "" {
		m.unsettled = fmt.Sprintf("it answers boxes, labels and scores (%s), and whether %s are pixels of the input or shares of it cannot be told; "+
			"spec.model.read.unit in function.yaml settles it: one of pixels, shares", list(r.model.Outputs), l.boxes[0].Name)
	}
	return m, ""
}

func (r *recognition) tfod() (match, string) {
	byName := map[string]Port{}
	for _, p := range r.all() {
		name, _, _ := strings.Cut(p.Name, ":") // tf2onnx leaves the 0 of TensorFlow's tensors
		byName[name] = p
	}
	boxes, classes, scores := byName["detection_boxes"], byName["detection_classes"], byName["detection_scores"]
	if !boxes.fraction() || !scores.fraction() || !classes.fraction() && !classes.whole() {
		return match{}, "its outputs are not detection_boxes, detection_classes and detection_scores"
	}
	m := match{
		family:  functions.FamilyTFOD,
		reason:  "detection_boxes, detection_classes and detection_scores are the TensorFlow Object Detection API's",
		outputs: []Port{boxes, classes, scores},
	}
	for _, name := range []string{"detection_multiclass_scores", "raw_detection_scores"} {
		p := byName[name]
		if len(p.Shape) != 3 || p.Shape[2] < 2 || p.Shape[2] > maxClasses {
			continue
		}
		m.classes = int(p.Shape[2] - 1)
		m.reason += fmt.Sprintf("; %v has a background and %d classes", p, m.classes)
		if m.classes == 90 && len(r.declared.Labels) == 0 {
			m.read.ClassIDs = functions.ClassIDsCOCO91
			m.reason += ", which are COCO's category ids"
		}
		break
	}
	return m, ""
}

func (r *recognition) efficientNMS() (match, string) {
	l := r.list()
	if !l.one() || len(l.count) > 1 || len(l.count) == 0 && r.declared.Family != functions.FamilyEfficientNMS {
		return match{}, "its outputs are not one each of a count [1 1], boxes [1 n 4], scores [1 n] and classes [1 n]"
	}
	m := match{
		family:  functions.FamilyEfficientNMS,
		reason:  fmt.Sprintf("a count, %v, %v and %v are what an NMS inside the graph leaves", l.boxes[0], l.scores[0], l.classes[0]),
		outputs: append([]Port{l.boxes[0], l.scores[0], l.classes[0]}, l.count...),
	}
	return m, ""
}

func (r *recognition) nmsIndices() (match, string) {
	var indices, boxes, scores []Port
	for _, p := range r.all() {
		switch rank := len(p.Shape); {
		case p.whole() && rank == 2 && p.Shape[1] == 3:
			indices = append(indices, p)
		case p.fraction() && rank == 3 && p.Shape[0] <= 1 && p.Shape[2] == 4:
			boxes = append(boxes, p)
		case p.fraction() && rank == 3 && p.Shape[0] <= 1:
			scores = append(scores, p)
		}
	}
	if len(boxes) == 2 && len(scores) == 0 { // of four places: names tell
		if boxes, scores = boxes[:1], boxes[1:]; strings.Contains(strings.ToLower(scores[0].Name), "box") {
			boxes, scores = scores, boxes
		}
	}
	if len(indices) != 1 || len(boxes) != 1 || len(scores) != 1 ||
		boxes[0].Shape[1] >= 0 && scores[0].Shape[2] >= 0 && boxes[0].Shape[1] != scores[0].Shape[2] {
		return match{}, "its outputs are not one each of indices int64 [n 3], boxes [1 N 4] and scores [1 classes N]"
	}
	m := match{
		family:  functions.FamilyNMSIndices,
		reason:  fmt.Sprintf("%v are the indices that NMS inside the graph selects of %v and %v", indices[0], boxes[0], scores[0]),
		outputs: []Port{indices[0], boxes[0], scores[0]},
	}
	if c := scores[0].Shape[1]; c > 0 && c <= maxClasses {
		m.classes = int(c)
	}
	switch centred := r.model.suppressesCentred(); {
	case r.declared.Read.Corners != "":
	case centred:
		m.read.Corners = functions.CornersCXCYWH
		m.reason += "; its center_point_box says that boxes are cx, cy, w, h"
	default:
		m.unsettled = fmt.Sprintf("its NMS takes boxes (%s) by two corners, and whether left or top comes first cannot be told; "+
			"spec.model.read.corners in function.yaml settles it: one of xyxy, yxyx", boxes[0])
	}
	return m, ""
}

// suppressesCentred says that the graph's NMS takes boxes by their centres.
func (m *Model) suppressesCentred() bool {
	if m.graph == nil {
		return false
	}
	for _, n := range m.graph.nodes {
		if v := n.ints["center_point_box"]; n.kind == "NonMaxSuppression" && len(v) == 1 && v[0] == 1 {
			return true
		}
	}
	return false
}

func (r *recognition) yolov7e2e() (match, string) {
	ports := r.all()
	if len(ports) != 1 || !ports[0].fraction() || len(ports[0].Shape) != 2 || ports[0].Shape[1] != 7 {
		return match{}, "its output is not [n 7]"
	}
	m := match{
		family: functions.FamilyYOLOv7E2E, outputs: ports,
		reason: fmt.Sprintf("%v is what YOLOv7's NMS inside the graph leaves: picture, two corners, class and score", ports[0]),
	}
	if strings.Contains(ports[0].Name, "flat") && r.declared.Family == "" {
		m.unsettled = fmt.Sprintf("%v could have class and score in either order, as YOLOv7 and YOLO-NAS have them; export YOLO-NAS with its batch format", ports[0])
	}
	return m, ""
}

func (r *recognition) paddle() (match, string) {
	var rows, counts []Port
	for _, p := range r.all() {
		switch {
		case p.fraction() && len(p.Shape) == 2 && (p.Shape[1] == 6 || p.Shape[1] < 0):
			rows = append(rows, p)
		case p.whole() && len(p.Shape) <= 1:
			counts = append(counts, p)
		}
	}
	if len(rows) != 1 || len(counts) > 1 {
		return match{}, "its outputs are not boxes [n 6] and their count, as PaddleDetection has them"
	}
	return match{
		family: functions.FamilyPaddle, outputs: rows,
		reason: fmt.Sprintf("%v is PaddleDetection's: class, score and two corners; where the model wants ImageNet's mean and "+
			"deviation, as PP-YOLOE does and PP-YOLOE+ does not, spec.model.feed.mean and std say so", rows[0]),
	}, ""
}

// all are the outputs with their shapes for a batch of 1, whatever their first axis
// is.
func (r *recognition) all() []Port {
	var list []Port
	for _, out := range r.model.Outputs {
		list = append(list, Port{Name: out.Name, Type: out.Type, Shape: r.resolved(out)})
	}
	return list
}
