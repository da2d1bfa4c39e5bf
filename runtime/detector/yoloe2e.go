package detector

import "github.com/seed45885407/saccade/functions"

// readYOLOE2E reads networks that choose their boxes themselves, YOLOv10 and
// YOLO26: [1, N, 6], each row x1, y1, x2, y2 in input pixels, score and class.
// They need no NMS.
//
// Source: ultralytics, nn/modules/head.py, Detect.postprocess with end2end.
func readYOLOE2E(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	return readRows(s, outputs, "[1, boxes, 6]", minScore)
}

func readRows(s *scratch, outputs []Tensor, reads string, minScore float32) error {
	out, err := matching(outputs, reads, 1, -1, 6)
	if err != nil {
		return err
	}
	for row := out.Data; len(row) >= 6; row = row[6:] {
		score, class := row[4], row[5]
		if !(score >= minScore && class >= 0 && class < maxClass) { // NaN is neither
			continue
		}
		s.add(box{
			Box:   functions.Box{X1: row[0], Y1: row[1], X2: row[2], Y2: row[3]},
			score: score, class: int32(class),
		})
	}
	return nil
}
