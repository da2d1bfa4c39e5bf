package functions

// Family names a way to feed a network and to read boxes from its outputs.
type Family string

// The families, each with the shape of what it reads for one picture: N places or
// queries, n boxes that are left, C classes. docs/models.md has their sources.
const (
	// FamilyAuto asks for recognition from the graph.
	FamilyAuto Family = "auto"
	// FamilyYOLOv5 is YOLOv5 and YOLOv7: [1, N, 5+C], three anchors a cell.
	FamilyYOLOv5 Family = "yolov5"
	// FamilyYOLOv6 is YOLOv6: [1, N, 5+C], one place a cell, boxes in pixels.
	FamilyYOLOv6 Family = "yolov6"
	// FamilyYOLOv7E2E is YOLOv7 with NMS in its graph: [n, 7].
	FamilyYOLOv7E2E Family = "yolov7-e2e"
	// FamilyYOLOv8 is YOLOv8, YOLOv9, YOLO11 and YOLO12: [1, 4+C, N].
	FamilyYOLOv8 Family = "yolov8"
	// FamilyYOLOE2E is YOLOv10, YOLO26 and Ultralytics exports with nms=True: [1, n, 6].
	FamilyYOLOE2E Family = "yolo-e2e"
	// FamilyYOLOX is YOLOX without its decoding: [1, N, 5+C].
	FamilyYOLOX Family = "yolox"
	// FamilyYOLOXDecoded is YOLOX with it: the same shape, boxes in pixels.
	FamilyYOLOXDecoded Family = "yolox-decoded"
	// FamilyCenterNet is CenterNet with its decoding: [1, n, 6].
	FamilyCenterNet Family = "centernet"
	// FamilyDETR is RT-DETR, D-FINE and DEIM with their postprocessor: labels, boxes
	// and scores, in the pixels of the picture, whose size they are fed.
	FamilyDETR Family = "detr"
	// FamilyDETRRaw is the same without: logits [1, N, C] and boxes [1, N, 4].
	FamilyDETRRaw Family = "detr-raw"
	// FamilyDETRSoftmax is the first DETR: logits [1, N, C+1], the last no object.
	FamilyDETRSoftmax Family = "detr-softmax"
	// FamilyRTDETR is RT-DETR as Ultralytics exports it: [1, N, 4+C].
	FamilyRTDETR Family = "rtdetr"
	// FamilySSD is torchvision's detectors and their like: boxes, labels and scores.
	FamilySSD Family = "ssd"
	// FamilyTFOD is the TensorFlow Object Detection API: detection_boxes,
	// detection_classes and detection_scores.
	FamilyTFOD Family = "tf-od"
	// FamilyEfficientNMS is what TensorRT's EfficientNMS leaves, and its like: a count,
	// boxes, scores and classes.
	FamilyEfficientNMS Family = "efficient-nms"
	// FamilyNMSIndices is ONNX's NonMaxSuppression as the last step: indices [n, 3] into
	// boxes [1, N, 4] and scores [1, C, N].
	FamilyNMSIndices Family = "nms-indices"
	// FamilyPaddle is PaddleDetection with its postprocessor: [n, 6].
	FamilyPaddle Family = "paddle"
)

// Families are all that can be served, in the order they are documented.
var Families = []Family{
	FamilyYOLOv5, FamilyYOLOv6, FamilyYOLOv7E2E, FamilyYOLOv8, FamilyYOLOE2E, FamilyYOLOX, FamilyYOLOXDecoded,
	FamilyCenterNet, FamilyDETR, FamilyDETRRaw, FamilyDETRSoftmax, FamilyRTDETR,
	FamilySSD, FamilyTFOD, FamilyEfficientNMS, FamilyNMSIndices, FamilyPaddle,
}

// Manner is how a family is fed and read. It is what recognition tells people and
// what the detector does: the one place that knows it.
type Manner struct {
	// Feed is complete.
	Feed Feed
	// Read is complete where Choice is set.
	Read Read
	// Choice says that Read may be declared otherwise than the family has it.
	Choice bool
	// Grid says that the places it reads are cells of grids of stride 8, 16 and 32, so
	// that its input is a multiple of 32 pixels.
	Grid bool
	// Sized says that the network is fed the picture's size too, and that its boxes
	// are therefore in the picture's own pixels.
	Sized bool
	// NMS says that the network leaves several boxes on one object, and IoU from which
	// overlap on they are one, where the function does not say otherwise.
	NMS bool
	IoU float64
	// Outputs says in words how the outputs become boxes.
	Outputs string
}

// grey is the padding YOLO networks are trained with.
const grey = 114

// Manner is how the family is fed and read; ok is false where there is no such family.
func (f Family) Manner() (m Manner, ok bool) {
	fed := func(place string, pad int, colours string, divisor float64) Feed {
		return Feed{Place: place, Pad: &pad, Colours: colours, Divisor: divisor}
	}
	yolo := fed(PlaceCentred, grey, ColoursRGB, 255)
	yolox := fed(PlaceTopLeft, grey, ColoursBGR, 1)
	stretched := fed(PlaceStretched, 0, ColoursRGB, 255)
	pixels := Read{Corners: CornersXYXY, Unit: UnitPixels}
	switch f {
	case FamilyYOLOv5:
		m = Manner{Feed: yolo, Grid: true, NMS: true, IoU: 0.45, Outputs: "cx, cy, w, h in input pixels, objectness times the best class's score"}
	case FamilyYOLOv6:
		m = Manner{Feed: yolo, Grid: true, NMS: true, IoU: 0.45, Outputs: "cx, cy, w, h in input pixels, objectness times the best class's score"}
	case FamilyYOLOv7E2E:
		m = Manner{Feed: yolo, Outputs: "picture, two corners in input pixels, class and score"}
	case FamilyYOLOv8:
		m = Manner{Feed: yolo, Grid: true, NMS: true, IoU: 0.7, Outputs: "cx, cy, w, h in input pixels, the best class's score"}
	case FamilyYOLOE2E:
		m = Manner{Feed: yolo, Outputs: "two corners in input pixels, score and class"}
	case FamilyYOLOX:
		m = Manner{Feed: yolox, Grid: true, NMS: true, IoU: 0.45, Outputs: "cells of grids with strides 8, 16 and 32, objectness times the best class's score"}
	case FamilyYOLOXDecoded:
		m = Manner{Feed: yolox, Grid: true, NMS: true, IoU: 0.45, Outputs: "cx, cy, w, h in input pixels, objectness times the best class's score"}
	case FamilyCenterNet:
		m = Manner{Feed: fed(PlaceCentred, 0, ColoursRGB, 255), NMS: true, IoU: 0.5, Outputs: "two corners in input pixels, score and class"}
	case FamilyDETR:
		m = Manner{Feed: stretched, Sized: true, Outputs: "labels, two corners in the picture's own pixels, scores"}
	case FamilyDETRRaw:
		m = Manner{Feed: stretched, Outputs: "the sigmoid of each query's logits, cx, cy, w, h in shares of the input"}
	case FamilyDETRSoftmax:
		m = Manner{Feed: stretched, Outputs: "the softmax of each query's logits, the last of them no object, cx, cy, w, h in shares of the input"}
		m.Feed.Mean, m.Feed.Std = imageNet()
	case FamilyRTDETR:
		m = Manner{Feed: stretched, Outputs: "cx, cy, w, h in shares of the input, the best class's score"}
	case FamilySSD:
		m = Manner{Feed: stretched, Read: pixels, Choice: true, Outputs: "boxes, labels and scores"}
	case FamilyTFOD:
		m = Manner{
			Feed: fed(PlaceStretched, 0, ColoursRGB, 1), Choice: true, Outputs: "boxes, classes and scores",
			Read: Read{Corners: CornersYXYX, Unit: UnitShares, ClassIDs: ClassIDsFrom1},
		}
	case FamilyEfficientNMS:
		m = Manner{Feed: yolo, Read: pixels, Choice: true, Outputs: "as many boxes, scores and classes as the count says"}
	case FamilyNMSIndices:
		m = Manner{Feed: yolo, Read: pixels, Choice: true, Outputs: "the boxes and scores that the indices select"}
	case FamilyPaddle:
		m = Manner{Feed: stretched, Outputs: "class, score, two corners in input pixels"}
	default:
		return m, false
	}
	if m.Read.ClassIDs == "" {
		m.Read.ClassIDs = ClassIDsFrom0
	}
	return m, true
}

// imageNet is the mean and the deviation of ImageNet's colours, in shares of 255,
// which networks without a preprocessing of their own are trained with.
func imageNet() (mean, std []float64) {
	return []float64{0.485, 0.456, 0.406}, []float64{0.229, 0.224, 0.225}
}
