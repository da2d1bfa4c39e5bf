package detector

import (
	"fmt"
	"math"
)

// readYOLOX reads YOLOX exported without its decoding: [1, N, 5+classes], the
// cells of three grids, row by row, with strides of 8, 16 and 32 pixels. A cell
// at (gx, gy) says x, y, w, h, objectness and a score per class, the scores after
// their sigmoid; its box is at ((x+gx)*stride, (y+gy)*stride) and exp(w)*stride
// wide, and scores objectness times class.
//
// Source: Megvii YOLOX, models/yolo_head.py decode_outputs, utils/demo_utils.py
// demo_postprocess.
func readYOLOX(s *scratch, outputs []Tensor, size int, minScore float32) error {
	cells := 0
	for _, stride := range yoloxStrides() {
		cells += (size / stride) * (size / stride)
	}
	reads := fmt.Sprintf("[1, %d, 5+classes]", cells)
	out, err := matching(outputs, reads, 1, int64(cells), -6)
	if err != nil {
		return err
	}
	rowLen := int(out.Shape[2])
	row := out.Data
	for _, stride := range yoloxStrides() {
		side := size / stride
		for gy := range side {
			for gx := range side {
				if row[4] >= minScore { // no score is more than the objectness
					s.addCell(row[:rowLen], float32(gx), float32(gy), float32(stride), minScore)
				}
				row = row[rowLen:]
			}
		}
	}
	return nil
}

func yoloxStrides() [3]int { return [...]int{8, 16, 32} }

func (s *scratch) addCell(row []float32, gx, gy, stride, minScore float32) {
	score, class := bestOf(row[4], row[5:])
	if !(score >= minScore) {
		return
	}
	s.add(box{
		Box: centred((row[0]+gx)*stride, (row[1]+gy)*stride,
			float32(math.Exp(float64(row[2])))*stride, float32(math.Exp(float64(row[3])))*stride),
		score: score, class: class,
	})
}
