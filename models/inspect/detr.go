package inspect

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// The layouts of DETR and its kin, for Q queries:
//
//	detr      labels int64 [1, Q], boxes [1, Q, 4], scores [1, Q]   RT-DETR tools/export_onnx.py
//	detr-raw  logits [1, Q, classes], boxes [1, Q, 4]               the same, without its postprocessor
//
// detr tells from the second input and the outputs together.
func (r *recognition) detr() (m match, doubt string) {
	var labels, boxes, scores []Port
	for _, p := range r.ports() {
		switch rank := len(p.Shape); {
		case p.whole() && rank == 2:
			labels = append(labels, p)
		case p.fraction() && rank == 2:
			scores = append(scores, p)
		case p.fraction() && rank == 3 && p.Shape[2] == 4:
			boxes = append(boxes, p)
		}
	}
	if len(labels) != 1 || len(boxes) != 1 || len(scores) != 1 || !alike(labels[0], boxes[0], scores[0]) {
		return m, fmt.Sprintf("it is fed the picture's size as DETR is, %v, and its outputs are not labels int64 [1 queries], boxes [1 queries 4] and scores [1 queries]", r.beside[0])
	}
	m = match{
		family:  functions.FamilyDETR,
		reason:  fmt.Sprintf("it takes the picture's size, %v, and gives labels, boxes and scores: a DETR with its postprocessor", r.beside[0]),
		outputs: []Port{labels[0], boxes[0], scores[0]},
	}
	if classes := r.model.Moduli[labels[0].Name]; classes > 0 && classes <= maxClasses {
		m.classes = int(classes)
		m.reason += fmt.Sprintf("; its labels are what a division by %d classes leaves", classes)
	}
	return m, ""
}

// namesLogits says whether an output's name tells that sigmoids are still to be
// taken: by shape alone it could be scores.
func (r *recognition) namesLogits() bool {
	for _, p := range r.ports() {
		if p.fraction() && len(p.Shape) == 3 && strings.Contains(strings.ToLower(p.Name), "logit") {
			return true
		}
	}
	return false
}

// detrRaw tells logits from boxes by shape, and of four classes by name.
func (r *recognition) detrRaw() (match, string) {
	var found []match
	ports := r.ports()
	ports = ports[:min(len(ports), 16)] // a pair is looked for: the square of them
	for _, boxes := range ports {
		for _, logits := range ports {
			if m := r.pair(logits, boxes); m.family != "" {
				found = append(found, m)
			}
		}
	}
	if len(found) != 1 {
		return match{}, fmt.Sprintf("its outputs are not one pair of logits [1 queries classes] and boxes [1 queries 4], as family %s has them",
			functions.FamilyDETRRaw)
	}
	m, named := found[0], len(r.names)
	softmax := r.declared.Family == functions.FamilyDETRSoftmax
	if softmax || r.declared.Family != functions.FamilyDETRRaw && (m.classes == cocoDETR || named > 0 && m.classes == named+1) {
		m.family = functions.FamilyDETRSoftmax
		m.reason += ": the first DETR's, whose last logit is no object"
		if m.classes > 0 {
			m.classes--
		}
	}
	if named > 0 && m.classes > 0 && m.classes != named {
		return match{}, fmt.Sprintf("as family %s it would have %d classes, and its metadata names %d", m.family, m.classes, named)
	}
	if m.classes == cocoDETR-1 && named == 0 && len(r.declared.Labels) == 0 {
		m.read.ClassIDs = functions.ClassIDsCOCO91
		m.reason += "; 91 classes are COCO's category ids up to 90"
	}
	return m, ""
}

// cocoDETR is the number of logits of facebookresearch/detr: COCO's category ids
// up to 90, 0 and no object.
const cocoDETR = 92

func (r *recognition) pair(logits, boxes Port) match {
	named := func(p Port, word string) bool { return strings.Contains(strings.ToLower(p.Name), word) }
	switch {
	case logits.Name == boxes.Name,
		!logits.fraction() || len(logits.Shape) != 3 || logits.Shape[2] == 0 || logits.Shape[2] > maxClasses,
		!boxes.fraction() || len(boxes.Shape) != 3 || boxes.Shape[2] != 4,
		!alike(logits, boxes),
		logits.Shape[2] == 4 && (named(logits, "box") || !named(boxes, "box")):
		return match{}
	}
	return match{
		family:  functions.FamilyDETRRaw,
		classes: int(max(0, logits.Shape[2])),
		reason: fmt.Sprintf("%s %v and %s %v are a DETR's logits and boxes for each query, its postprocessor left out",
			logits.Name, logits.Shape, boxes.Name, boxes.Shape),
		outputs: []Port{logits, boxes},
	}
}

// ports are the outputs with their shapes for a batch of 1.
func (r *recognition) ports() []Port {
	var list []Port
	for _, out := range r.model.Outputs {
		if shape := r.resolved(out); len(shape) > 0 && shape[0] <= 1 {
			list = append(list, Port{Name: out.Name, Type: out.Type, Shape: shape})
		}
	}
	return list
}

// alike says that the ports may be of the same number of queries.
func alike(ports ...Port) bool {
	queries := int64(-1)
	for _, p := range ports {
		switch n := p.Shape[1]; {
		case n < 0:
		case queries >= 0 && n != queries:
			return false
		default:
			queries = n
		}
	}
	return queries != 0
}
