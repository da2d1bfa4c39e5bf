package detector

import "strings"

// readSSD reads torchvision's detectors and their like: boxes [n, 4], labels [n] and
// scores [n], with an axis for the batch or without. They have been through NMS.
//
// Source: pytorch/vision, torchvision/models/detection, SSD.postprocess_detections
// and RoIHeads.postprocess_detections; the ONNX model zoo's SSD has the batch axis.
func (c corners) readSSD(s *scratch, outputs []Tensor, size int, minScore float32) error {
	l, err := listed(outputs, "boxes [boxes, 4], labels [boxes] and scores [boxes]")
	if err != nil {
		return err
	}
	c.take(s, l, l.n, size, minScore)
	return nil
}

// readTFOD reads the TensorFlow Object Detection API: detection_boxes [1, n, 4],
// detection_classes [1, n] and detection_scores [1, n], the best first, and what is
// left of n scores 0. They have been through NMS.
//
// Source: tensorflow/models, research/object_detection/core/post_processing.py, and
// exporter_lib_v2.py for the names.
func (c corners) readTFOD(s *scratch, outputs []Tensor, size int, minScore float32) error {
	l, err := listed(outputs, "detection_boxes [1, boxes, 4], detection_classes [1, boxes] and detection_scores [1, boxes]")
	if err != nil {
		return err
	}
	c.take(s, l, l.n, size, minScore)
	return nil
}

// readEfficientNMS reads what TensorRT's EfficientNMS plugin leaves, and graphs that
// do the same in ONNX: a count, [1, 1], of boxes [1, most, 4], scores [1, most] and
// classes [1, most] that mean something. Where the count is not among the outputs, all
// count.
//
// Source: NVIDIA/TensorRT, plugin/efficientNMSPlugin/README.md.
func (c corners) readEfficientNMS(s *scratch, outputs []Tensor, size int, minScore float32) error {
	const reads = "a count [1, 1], boxes [1, most, 4], scores [1, most] and classes [1, most]"
	count, others := counted(outputs)
	l, err := listed(others, reads)
	if err != nil {
		return err
	}
	if count >= 0 {
		l.n = min(l.n, count)
	}
	c.take(s, l, l.n, size, minScore)
	return nil
}

// counted is the number that an output called num_dets or the like holds, -1 where
// there is none, and the outputs without it.
func counted(outputs []Tensor) (count int, others []Tensor) {
	count = -1
	for _, t := range outputs {
		name := strings.ToLower(t.Name)
		switch named := strings.HasPrefix(name, "num") || strings.Contains(name, "count"); {
		case !named || t.values() != 1:
			others = append(others, t)
		case t.Ints != nil:
			count = int(min(max(t.Ints[0], 0), maxClass))
		case t.Data[0] >= 0 && t.Data[0] < maxClass:
			count = int(t.Data[0])
		}
	}
	return count, others
}

// readNMSIndices reads graphs whose last step is ONNX's NonMaxSuppression: its
// indices [n, 3], each picture, class and place, into boxes [1, N, 4] and scores
// [1, classes, N].
//
// Source: onnx/onnx, docs/Operators.md NonMaxSuppression.
func (c corners) readNMSIndices(s *scratch, outputs []Tensor, size int, minScore float32) error {
	const reads = "indices int64 [boxes, 3], boxes [1, places, 4] and scores [1, classes, places]"
	indices, err := matchingInts(outputs, reads, some, 3)
	if err != nil {
		return err
	}
	boxes, scores, err := placesOf(outputs, reads)
	if err != nil {
		return err
	}
	classes, places := scores.Shape[1], scores.Shape[2]
	for row := indices.Ints; len(row) >= 3; row = row[3:] {
		picture, class, place := row[0], row[1], row[2]
		if picture != 0 || class < 0 || class >= min(classes, maxClass) || place < 0 || place >= places {
			continue // padding, as exporters for accelerators write it, is -1
		}
		score := scores.Data[class*places+place]
		if !(score >= minScore) { // NaN is not
			continue
		}
		s.add(box{Box: c.box(boxes.Data[4*place:][:4], size), score: score, class: int32(class)})
	}
	return nil
}

// placesOf tells boxes [1, N, 4] from scores [1, classes, N], of 4 places by name.
func placesOf(outputs []Tensor, reads string) (boxes, scores Tensor, err error) {
	for b, candidate := range outputs {
		if candidate.Ints != nil || !candidate.fits([]int64{1, -1, 4}) {
			continue
		}
		for i, t := range outputs {
			if i == b || t.Ints != nil || !t.fits([]int64{1, -1, candidate.Shape[1]}) {
				continue
			}
			if boxes.Shape == nil || strings.Contains(strings.ToLower(candidate.Name), "box") {
				boxes, scores = candidate, t
			}
		}
	}
	if boxes.Shape == nil {
		return boxes, scores, unlike(outputs, reads)
	}
	return boxes, scores, nil
}
