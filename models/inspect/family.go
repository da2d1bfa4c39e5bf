package inspect

import (
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// match is what can be read.
type match struct {
	family  functions.Family
	reason  string
	classes int // 0: the shape does not tell
	outputs []Port
	read    functions.Read // as far as the graph tells
	// unsettled says what else is to be settled, and by which field; empty: nothing.
	unsettled string
}

// cells is the number of places a YOLO head looks at: one a cell of the grids for
// strides 8, 16 and 32. For 640 pixels that is 6400 + 1600 + 400 = 8400.
func cells(size int) int64 {
	s := int64(size)
	return s/8*(s/8) + s/16*(s/16) + s/32*(s/32)
}

// anchors is the number of places YOLOv5's head looks at: three a cell, where its
// larger networks (P6) have a grid of stride 64 too.
func (r *recognition) anchors(n int64) bool {
	s := int64(r.InputSize) / 64
	return n == 3*cells(r.InputSize) || n == 3*(cells(r.InputSize)+s*s)
}

// guess tells the family of an output [1, a, b] from its shape, and where shapes
// are shared, from names and metadata. Otherwise doubt says why not. The layouts:
//
//	yolov8     [1, 4+classes, cells]     docs.ultralytics.com, task detect
//	yolo-e2e   [1, 300, 6]               the same, end2end
//	yolox      [1, cells, 5+classes]     Megvii YOLOX, demo/ONNXRuntime
//	yolov6     the same, boxes decoded   meituan/YOLOv6, deploy/ONNX
//	rtdetr     [1, 300, 4+classes]       Ultralytics, models/rtdetr
//	yolov5     [1, 3*cells, 5+classes]   ultralytics/yolov5, models/yolo.py
//	centernet  [1, 100, 6]
func (r *recognition) guess(out Tensor, shape []int64) (m match, doubt string) {
	a, b, n := shape[1], shape[2], cells(r.InputSize)
	switch {
	case r.anchors(a) && b > 5:
		return r.counted(functions.FamilyYOLOv5, b-5,
			fmt.Sprintf("%v is, for three anchors at each cell of a %d pixel input, 4 sides, objectness and %d scores", out, r.InputSize, b-5))
	case b == n && a > 4:
		return r.counted(functions.FamilyYOLOv8, a-4,
			fmt.Sprintf("%v is 4 sides and %d scores for the %d cells of a %d pixel input", out, a-4, n, r.InputSize))
	case a == n && b > 5:
		return r.cellwise(out, b)
	case b == 6 && r.isCenterNet(out, a):
		return match{
			family: functions.FamilyCenterNet,
			reason: fmt.Sprintf("%v is boxes of 4 corners, score and class, and names speak of a CenterNet", out),
		}, ""
	case r.isUltralytics() && len(r.names) > 0 && b == int64(4+len(r.names)) && b != 6 && a > 0:
		return match{
			family: functions.FamilyRTDETR, classes: len(r.names),
			reason: fmt.Sprintf("%v is, for each query, 4 sides and one score for each of the %d names in Ultralytics' metadata: an RT-DETR", out, len(r.names)),
		}, ""
	case b == 6 && r.isUltralytics():
		return match{
			family: functions.FamilyYOLOE2E,
			reason: fmt.Sprintf("%v is boxes of 4 corners, score and class, and the metadata is Ultralytics'", out),
		}, ""
	case b == 6:
		return m, fmt.Sprintf("%v could be of family %s or %s", out, functions.FamilyYOLOE2E, functions.FamilyCenterNet)
	case r.isUltralytics() && a > 4 && len(r.names) > 0 && a == int64(4+len(r.names)):
		// Cells that are free, or of a head with more strides.
		return match{
			family: functions.FamilyYOLOv8, classes: len(r.names),
			reason: fmt.Sprintf("%v is 4 sides and one score for each of the %d names in Ultralytics' metadata", out, len(r.names)),
		}, ""
	}
	doubt = fmt.Sprintf("%v is none of the known layouts for a %d pixel input", out, r.InputSize)
	if r.InputSize%32 != 0 {
		doubt += ", which for grids of strides 8, 16 and 32 is a multiple of 32"
	}
	return m, doubt
}

// counted is a match whose classes must be as many as the metadata names, if it
// names any: one layout read as another is off by one.
func (r *recognition) counted(family functions.Family, classes int64, reason string) (match, string) {
	if named := len(r.names); named > 0 && int64(named) != classes {
		return match{}, fmt.Sprintf("as family %s it would have %d classes, and its metadata names %d", family, classes, named)
	}
	if classes > maxClasses {
		return match{}, fmt.Sprintf("as family %s it would have %d classes", family, classes)
	}
	return match{family: family, classes: int(classes), reason: reason}, ""
}

func (r *recognition) isUltralytics() bool {
	return strings.EqualFold(r.model.Metadata["author"], "Ultralytics") ||
		strings.HasPrefix(r.model.Metadata["description"], "Ultralytics")
}

// isCenterNet looks for the name: end2end in the metadata tells nothing, as both
// families that end in 6 may say so.
func (r *recognition) isCenterNet(out Tensor, rows int64) bool {
	if r.isUltralytics() {
		return false
	}
	for _, said := range []string{r.model.Producer, r.model.Metadata["description"], out.Name} {
		if strings.Contains(strings.ToLower(said), "centernet") {
			return true
		}
	}
	return out.Name == "detections" && rows == 100
}

// asDeclared checks that an output can be read as function.yaml says, free axes
// taken on trust.
func (r *recognition) asDeclared(out Tensor, shape []int64, family functions.Family) (m match, doubt string) {
	a, b, n := shape[1], shape[2], cells(r.InputSize)
	free := func(size int64) bool { return size < 0 }
	fits, reads, classes := false, "", int64(0)
	switch family {
	case functions.FamilyYOLOv8:
		reads = "[1 4+classes cells]"
		fits, classes = (free(a) || a > 4 && a-4 <= maxClasses) && (free(b) || b >= 1), max(0, a-4)
	case functions.FamilyYOLOv5:
		reads = "[1 anchors 5+classes]"
		fits, classes = (free(a) || a >= 1) && (free(b) || b > 5 && b-5 <= maxClasses), max(0, b-5)
	case functions.FamilyRTDETR:
		reads = "[1 queries 4+classes]"
		fits, classes = (free(a) || a >= 1) && (free(b) || b > 4 && b-4 <= maxClasses), max(0, b-4)
	case functions.FamilyYOLOX, functions.FamilyYOLOv6, functions.FamilyYOLOXDecoded:
		reads = fmt.Sprintf("[1 %d 5+classes]", n)
		fits, classes = (free(a) || a == n) && (free(b) || b > 5 && b-5 <= maxClasses), max(0, b-5)
	default:
		reads = "[1 boxes 6]"
		fits = free(b) || b == 6
	}
	if !fits {
		return m, fmt.Sprintf("%v is not what family %s reads, %s", out, family, reads)
	}
	return match{family: family, classes: int(classes), reason: "spec.model.family says so"}, ""
}
