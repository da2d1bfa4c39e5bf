// Package accuracy says how good a detector is: it receives what was found and
// what is there, and hands on COCO's mean average precision. A [Set] is a folder
// of labelled pictures, and [Measure] is a detector's walk over one.
//
// It refuses annotations that name pictures or categories which do not exist. It
// knows no network and no session: those come in through package detector.
package accuracy

import (
	"cmp"
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// Object is one labelled object.
type Object struct {
	// Image is the number of the picture it is in.
	Image int
	// Class is its class id, as detections count them.
	Class int
	Box   functions.Box
	// Crowd marks a region of many objects: finding something in it counts neither
	// for nor against the detector.
	Crowd bool
}

// Found is one detection in a picture.
type Found struct {
	Image int
	functions.Detection
}

// Scores are averages over the classes that are labelled, each from 0 to 1.
type Scores struct {
	// MAP is the mean average precision over IoU 0.50, 0.55 ... 0.95.
	MAP float64
	// MAP50 is the one at IoU 0.50.
	MAP50 float64
	// Classes is the number of classes labelled.
	Classes int
}

// thresholds is the number of IoU thresholds, recalls that of points on the
// precision-recall curve; both are COCO's.
const (
	thresholds = 10
	recalls    = 101
)

// threshold is the i-th IoU threshold.
func threshold(i int) float64 { return float64(10+i) / 20 }

// MAP evaluates as pycocotools' COCOeval does for boxes of all areas: greedy
// matching by score within each picture and class, crowds ignored, precision made
// monotone and averaged at 101 recalls. Of each picture and class the best most
// detections count.
//
// Source: cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py.
func MAP(truth []Object, found []Found, most int) Scores {
	objects := map[int]map[int][]Object{} // by class and image
	for _, o := range truth {
		if objects[o.Class] == nil {
			objects[o.Class] = map[int][]Object{}
		}
		objects[o.Class][o.Image] = append(objects[o.Class][o.Image], o)
	}
	detections := map[int]map[int][]Found{}
	for _, f := range found {
		if detections[f.ClassID] == nil {
			detections[f.ClassID] = map[int][]Found{}
		}
		detections[f.ClassID][f.Image] = append(detections[f.ClassID][f.Image], f)
	}
	var scores Scores
	for class, byImage := range objects {
		precisions, labelled := averages(byImage, detections[class], most)
		if !labelled {
			continue
		}
		scores.Classes++
		scores.MAP50 += precisions[0]
		for _, p := range precisions {
			scores.MAP += p / thresholds
		}
	}
	if scores.Classes > 0 {
		scores.MAP /= float64(scores.Classes)
		scores.MAP50 /= float64(scores.Classes)
	}
	return scores
}

// verdict is what became of one detection at each threshold.
type verdict struct {
	score   float32
	correct [thresholds]bool
	ignored [thresholds]bool
}

// averages is the average precision of one class at each threshold, and whether
// the class has objects at all.
func averages(objects map[int][]Object, found map[int][]Found, most int) (ap [thresholds]float64, labelled bool) {
	count := 0
	for _, inImage := range objects {
		for _, o := range inImage {
			if !o.Crowd {
				count++
			}
		}
	}
	if count == 0 {
		return ap, false
	}
	var verdicts []verdict
	images := make([]int, 0, len(found))
	for image := range found {
		images = append(images, image)
	}
	slices.Sort(images) // equal scores go by picture, so that the result is one
	for _, image := range images {
		verdicts = append(verdicts, match(objects[image], found[image], most)...)
	}
	slices.SortStableFunc(verdicts, func(a, b verdict) int { return cmp.Compare(b.score, a.score) })
	for t := range ap {
		ap[t] = averagePrecision(verdicts, t, count)
	}
	return ap, true
}

// averagePrecision walks down the scores and averages the precision at 101
// recalls, each precision being the best there is from that recall on.
func averagePrecision(verdicts []verdict, t, count int) float64 {
	var recall, precision []float64
	correct, wrong := 0, 0
	for _, v := range verdicts {
		switch {
		case v.ignored[t]:
			continue
		case v.correct[t]:
			correct++
		default:
			wrong++
		}
		recall = append(recall, float64(correct)/float64(count))
		precision = append(precision, float64(correct)/float64(correct+wrong))
	}
	for i := len(precision) - 2; i >= 0; i-- {
		precision[i] = max(precision[i], precision[i+1])
	}
	sum := 0.0
	for r := range recalls {
		at, _ := slices.BinarySearch(recall, float64(r)/(recalls-1))
		if at < len(precision) {
			sum += precision[at]
		}
	}
	return sum / recalls
}
