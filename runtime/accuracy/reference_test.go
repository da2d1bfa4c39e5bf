package accuracy_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/accuracy"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
)

// TestAccuracy compares with what an independent pipeline reached on the same
// labelled pictures.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	const within = 0.007
	// What lies between two JPEG decoders moves the DETR's scores more.
	const detrWithin = 0.01
	references := map[string]struct {
		iou  float64
		want accuracy.Scores
	}{
		"yolo11n":        {0.7, accuracy.Scores{MAP: 0.421, MAP50: 0.593}},
		"yolo26n":        {0.7, accuracy.Scores{MAP: 0.447, MAP50: 0.602}},
		"yolox_nano":     {0.65, accuracy.Scores{MAP: 0.294, MAP50: 0.482}},
		"centernet-mbv3": {0.5, accuracy.Scores{MAP: 0.300, MAP50: 0.480}},
		// It needs no NMS, so its IoU says nothing.
		"deimv2_hgnetv2_atto_coco": {1, accuracy.Scores{MAP: 0.257, MAP50: 0.384}},
	}
	set, err := accuracy.Load(filepath.Dir(detectortest.Data(t, "labelled", "annotations.json")))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Classes) != 80 {
		t.Fatalf("%d classes, want COCO's 80", len(set.Classes))
	}
	fmt.Printf("%-24s  %-24s  %-24s\n", "", "mAP50-95", "mAP50")
	fmt.Printf("%-24s  %8s %6s %8s  %8s %6s %8s\n", "model", "here", "ref.", "diff.", "here", "ref.", "diff.")
	for _, model := range detectortest.Models() {
		reference := references[model.Name]
		d := model.Detector(t, accuracy.Thresholds(reference.iou))
		got, err := accuracy.Measure(t.Context(), d, detectortest.Open(t, model), set)
		if err != nil {
			t.Fatal(err)
		}
		off, off50 := got.MAP-reference.want.MAP, got.MAP50-reference.want.MAP50
		fmt.Printf("%-24s  %8.4f %6.3f %+8.4f  %8.4f %6.3f %+8.4f\n", model.Name,
			got.MAP, reference.want.MAP, off, got.MAP50, reference.want.MAP50, off50)
		limit := within
		if model.Family == functions.FamilyDETR {
			limit = detrWithin
		}
		if math.Abs(off) > limit || math.Abs(off50) > limit {
			t.Errorf("%s is further than %.1f points from the reference", model.Name, 100*limit)
		}
	}
}
