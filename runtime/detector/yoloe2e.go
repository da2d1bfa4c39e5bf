package detector

// readYOLOE2E reads networks that choose their boxes themselves, YOLOv10,
// YOLO26 and what Ultralytics exports with nms=True: [1, N, 6], each row x1, y1, x2, y2 in input pixels, score and class.
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
		s.addRow(row[:4], row[4], row[5], minScore)
	}
	return nil
}
