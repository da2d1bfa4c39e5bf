package detector

import (
	"math"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// readDETR reads networks of the DETR kind exported with their postprocessor:
// labels, int64 [1, N], boxes [1, N, 4] as x1, y1, x2, y2 in pixels of the
// picture, whose size they are fed, and scores [1, N]. They need no NMS.
//
// Source: RT-DETR (lyuwenyu), tools/export_onnx.py and src/zoo/rtdetr
// rtdetr_postprocessor.py; D-FINE, DEIM and DEIMv2 export the same.
func readDETR(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	const reads = "labels int64 [1, queries], boxes [1, queries, 4] and scores [1, queries]"
	boxes, err := matching(outputs, reads, 1, -1, 4)
	if err != nil {
		return err
	}
	n := boxes.Shape[1]
	scores, err := matching(outputs, reads, 1, n)
	if err != nil {
		return err
	}
	labels, err := matchingInts(outputs, reads, 1, n)
	if err != nil {
		return err
	}
	for i, score := range scores.Data {
		class := labels.Ints[i]
		if !(score >= minScore) || class < 0 || class >= maxClass { // NaN is neither
			continue
		}
		at := boxes.Data[4*i:][:4]
		s.add(box{
			Box:   functions.Box{X1: at[0], Y1: at[1], X2: at[2], Y2: at[3]},
			score: score, class: int32(class),
		})
	}
	return nil
}

// readDETRRaw reads networks of the DETR kind as they are: logits [1, N, classes]
// and boxes [1, N, 4] as cx, cy, w, h in shares of the square. Each query may name
// several classes, each a box of its own; a score is the sigmoid of its logit.
// They need no NMS.
//
// Source: Zhu et al., Deformable DETR, 2021; the choice over queries and classes
// is RT-DETR's (lyuwenyu), rtdetr_postprocessor.py with use_focal_loss.
func readDETRRaw(s *scratch, outputs []Tensor, size int, minScore float32) error {
	logits, boxes, err := logitsAndBoxes(outputs)
	if err != nil {
		return err
	}
	classes := int(logits.Shape[2])
	least := leastLogit(minScore)
	side := float32(size)
	for i, logit := range logits.Data {
		if !(logit >= least) { // most: before the exponential, which is the cost
			continue
		}
		score := float32(1 / (1 + math.Exp(-float64(logit))))
		if score < minScore {
			continue
		}
		at := boxes.Data[4*(i/classes):][:4]
		s.add(box{
			Box:   centred(at[0]*side, at[1]*side, at[2]*side, at[3]*side),
			score: score, class: int32(i % classes),
		})
	}
	return nil
}

// readDETRSoftmax reads the first DETR: logits [1, N, classes+1], the last of them
// no object, and boxes as [readDETRRaw] does. A query is the class that its softmax
// gives most, no object left aside. It needs no NMS.
//
// Source: Carion et al., End-to-End Object Detection with Transformers, 2020;
// facebookresearch/detr, models/detr.py PostProcess.
func readDETRSoftmax(s *scratch, outputs []Tensor, size int, minScore float32) error {
	logits, boxes, err := logitsAndBoxes(outputs)
	if err != nil {
		return err
	}
	n, side := int(logits.Shape[2]), float32(size)
	for i := range int(logits.Shape[1]) {
		row := logits.Data[i*n:][:n]
		best := 0
		for class, logit := range row[:n-1] {
			if logit > row[best] {
				best = class
			}
		}
		sum := 0.0
		for _, logit := range row {
			sum += math.Exp(float64(logit) - float64(row[best]))
		}
		score := float32(1 / sum)
		if n < 2 || !(score >= minScore) { // NaN is not
			continue
		}
		at := boxes.Data[4*i:][:4]
		s.add(box{Box: centred(at[0]*side, at[1]*side, at[2]*side, at[3]*side), score: score, class: int32(best)})
	}
	return nil
}

// readRTDETR reads RT-DETR as Ultralytics exports it: [1, N, 4+classes], of each
// query cx, cy, w, h in shares of the square and a score per class after its sigmoid.
// It needs no NMS.
//
// Source: ultralytics, nn/modules/head.py RTDETRDecoder.forward, and
// models/rtdetr/predict.py.
func readRTDETR(s *scratch, outputs []Tensor, size int, minScore float32) error {
	out, err := matching(outputs, "[1, queries, 4+classes]", 1, -1, -5)
	if err != nil {
		return err
	}
	n, side := int(out.Shape[2]), float32(size)
	for row := out.Data; len(row) >= n; row = row[n:] {
		if score, class := bestOf(1, row[4:n]); score >= minScore {
			s.add(box{Box: centred(row[0]*side, row[1]*side, row[2]*side, row[3]*side), score: score, class: class})
		}
	}
	return nil
}

// logitsAndBoxes tells the two outputs apart: by their shape, and of a network
// with four classes by name.
func logitsAndBoxes(outputs []Tensor) (logits, boxes Tensor, err error) {
	const reads = "logits [1, queries, classes] and boxes [1, queries, 4]"
	at := -1
	for i, t := range outputs {
		if t.fits([]int64{1, -1, 4}) && (at < 0 || strings.Contains(strings.ToLower(t.Name), "box")) {
			at = i
		}
	}
	if at < 0 {
		_, err = matching(outputs, reads, 1, -1, 4)
		return logits, boxes, err
	}
	boxes = outputs[at]
	others := append(append([]Tensor(nil), outputs[:at]...), outputs[at+1:]...)
	logits, err = matching(others, reads, 1, boxes.Shape[1], -1)
	return logits, boxes, err
}

// leastLogit is a logit below which no sigmoid rounds to minScore or more.
func leastLogit(minScore float32) float32 {
	p := float64(below(minScore))
	return math.Nextafter32(float32(math.Log(p/(1-p))), float32(math.Inf(-1)))
}
