package detector

// suppress is greedy class-wise non-maximum suppression: going from the best box
// down, a box goes that overlaps a better one of its class, which stayed, by more
// than iou. It keeps at most most boxes, in place. Boxes come best first.
//
// It stops at the most-th box, so its cost is bounded by len(boxes) * most.
func suppress(boxes []box, iou float32, most int) []box {
	kept := boxes[:0]
	for _, b := range boxes {
		if len(kept) == most {
			break
		}
		if !overlaps(kept, b, iou) {
			kept = append(kept, b)
		}
	}
	return kept
}

func overlaps(kept []box, b box, iou float32) bool {
	for i := range kept {
		if kept[i].class == b.class && kept[i].IoU(b.Box) > iou {
			return true
		}
	}
	return false
}
