package inspect

import (
	"fmt"
	"strings"
)

// unserved names the layouts that are known and that no family reads, so that
// nobody looks for the one that would; it is empty where the outputs are none.
//
//	torchvision   boxes [n, 4], labels int64 [n], scores [n]        torchvision/models/detection
//	EfficientNMS  num_dets, det_boxes, det_scores, det_classes      TensorRT's plugin
//	batched NMS   [n, 7]: picture, two corners, class, score        YOLOv7, export.py --end2end
func (r *recognition) unserved() string {
	var labels, scores, boxes int
	for _, out := range r.model.Outputs {
		rank := len(out.Shape)
		switch {
		case out.Type == "int64" && rank == 1:
			labels++
		case out.Type == "float32" && rank == 1:
			scores++
		case out.Type == "float32" && rank == 2 && out.Shape[1].Size == 4:
			boxes++
		case out.Type == "float32" && rank == 2 && out.Shape[1].Size == 7 && len(r.model.Outputs) == 1:
			return fmt.Sprintf("%v is what NMS inside the graph leaves of a batch, which is not served; export it without NMS", out)
		case strings.HasPrefix(out.Name, "num_det"):
			return fmt.Sprintf("its outputs (%s) are those of an NMS plugin inside the graph, which is not served; export it without NMS", list(r.model.Outputs))
		}
	}
	if labels == 1 && scores == 1 && boxes == 1 {
		return fmt.Sprintf("its outputs (%s) are boxes, labels and scores as torchvision's detectors give them, which is not served", list(r.model.Outputs))
	}
	return ""
}
