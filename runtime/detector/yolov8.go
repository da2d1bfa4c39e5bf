package detector

// readYOLOv8 reads the head of Ultralytics YOLOv8 and YOLO11: [1, 4+classes, N],
// for each of N anchors cx, cy, w, h in input pixels and a score per class after
// its sigmoid. The layout is channel-major: row 0 has every anchor's cx.
//
// Source: ultralytics, nn/modules/head.py Detect, and utils/nms.py for the choice
// of one class per box.
func readYOLOv8(s *scratch, outputs []Tensor, _ int, minScore float32) error {
	out, err := matching(outputs, "[1, 4+classes, anchors]", 1, -5, -1)
	if err != nil {
		return err
	}
	n := int(out.Shape[2])
	classes := int(out.Shape[1]) - 4

	// Class by class, so that memory is read in the order it lies in; most scores
	// change nothing, and the branch is foreseen.
	s.best, s.class = grown(s.best, n), grown(s.class, n)
	least := below(minScore)
	for i := range s.best {
		s.best[i] = least
	}
	best, class := s.best[:n], s.class[:n]
	for c := range classes {
		scores := out.Data[(4+c)*n:][:n]
		for i, score := range scores {
			if score > best[i] {
				best[i], class[i] = score, int32(c)
			}
		}
	}

	// Boxes under minScore go before NMS: the sort is the cost.
	cx, cy, w, h := out.Data[:n], out.Data[n:2*n], out.Data[2*n:3*n], out.Data[3*n:4*n]
	for i, score := range best {
		if score > least {
			s.add(box{Box: centred(cx[i], cy[i], w[i], h[i]), score: score, class: class[i]})
		}
	}
	return nil
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
