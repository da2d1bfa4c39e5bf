package detector

// readYOLOv5 reads the head of YOLOv5 and YOLOv7: [1, N, 5+classes], for each of
// N anchors cx, cy, w, h in input pixels, objectness and a score per class, all
// after their sigmoid. A box scores objectness times class.
//
// Source: ultralytics/yolov5, models/yolo.py Detect.forward, and utils/general.py
// non_max_suppression with multi_label off.
func readYOLOv5(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	out, err := matching(outputs, "[1, anchors, 5+classes]", 1, -1, -6)
	if err != nil {
		return err
	}
	rowLen := int(out.Shape[2])
	for row := out.Data; len(row) >= rowLen; row = row[rowLen:] {
		if !(row[4] >= minScore) { // no score is more than the objectness
			continue
		}
		if score, class := bestOf(row[4], row[5:rowLen]); score >= minScore {
			s.add(box{Box: centred(row[0], row[1], row[2], row[3]), score: score, class: class})
		}
	}
	return nil
}

// bestOf is the class that scores best, and objectness times its score.
func bestOf(objectness float32, scores []float32) (score float32, class int32) {
	best := float32(0)
	for c, score := range scores {
		if score > best {
			best, class = score, int32(c)
		}
	}
	return objectness * best, class
}
