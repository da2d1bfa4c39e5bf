package detector

import "github.com/seed45885407/saccade/functions"

// readYOLOv7E2E reads YOLOv7 with NMS in its graph: [n, 7], each row picture, x1, y1,
// x2, y2 in input pixels, class and score.
//
// Source: WongKinYiu/yolov7, models/experimental.py ONNX_ORT.
func readYOLOv7E2E(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	out, err := matching(outputs, "[boxes, 7]", some, 7)
	if err != nil {
		return err
	}
	for row := out.Data; len(row) >= 7; row = row[7:] {
		if row[0] == 0 {
			s.addRow(row[1:5], row[6], row[5], minScore)
		}
	}
	return nil
}

// readPaddle reads PaddleDetection with its postprocessor, PP-YOLOE and RT-DETR
// among it: [n, 6], each row class, score, x1, y1, x2, y2, in input pixels where the
// scale it is fed is 1. A class of -1 is padding.
//
// Source: PaddlePaddle/PaddleDetection, ppdet/modeling/post_process.py BBoxPostProcess.
func readPaddle(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	out, err := matching(outputs, "[boxes, 6]", some, 6)
	if err != nil {
		return err
	}
	for row := out.Data; len(row) >= 6; row = row[6:] {
		s.addRow(row[2:6], row[1], row[0], minScore)
	}
	return nil
}

// addRow adds a box of two corners, if it is to be seen.
func (s *scratch) addRow(at []float32, score, class, minScore float32) {
	if score >= minScore && class >= 0 && class < maxClass { // NaN is neither
		s.add(box{
			Box:   functions.Box{X1: at[0], Y1: at[1], X2: at[2], Y2: at[3]},
			score: score, class: int32(class),
		})
	}
}
