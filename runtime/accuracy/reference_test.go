package accuracy_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/runtime/accuracy"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
)

// TestAccuracy compares with what an independent pipeline reached on the same
// labelled pictures. It takes minutes, so it runs where SACCADE_ACCURACY is set.
func TestAccuracy(t *testing.T) {
	if os.Getenv("SACCADE_ACCURACY") == "" {
		t.Skip("takes minutes: set SACCADE_ACCURACY=1 to run it")
	}
	const within = 0.007
	references := map[string]struct {
		iou  float64
		want accuracy.Scores
	}{
		"yolo11n":        {0.7, accuracy.Scores{MAP: 0.421, MAP50: 0.593}},
		"yolo26n":        {0.7, accuracy.Scores{MAP: 0.447, MAP50: 0.602}},
		"yolox_nano":     {0.65, accuracy.Scores{MAP: 0.294, MAP50: 0.482}},
		"centernet-mbv3": {0.5, accuracy.Scores{MAP: 0.300, MAP50: 0.480}},
	}
	set, err := accuracy.Load(filepath.Dir(detectortest.Data(t, "labelled", "annotations.json")))
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Classes) != 80 {
		t.Fatalf("%d classes, want COCO's 80", len(set.Classes))
	}
	fmt.Printf("%-16s  %-24s  %-24s\n", "", "mAP50-95", "mAP50")
	fmt.Printf("%-16s  %8s %6s %8s  %8s %6s %8s\n", "model", "here", "ref.", "diff.", "here", "ref.", "diff.")
	for _, model := range detectortest.Models() {
		reference := references[model.Name]
		d := model.Detector(t, accuracy.Thresholds(reference.iou))
		got, err := accuracy.Measure(t.Context(), d, detectortest.Open(t, model), set)
		if err != nil {
			t.Fatal(err)
		}
		off, off50 := got.MAP-reference.want.MAP, got.MAP50-reference.want.MAP50
		fmt.Printf("%-16s  %8.4f %6.3f %+8.4f  %8.4f %6.3f %+8.4f\n", model.Name,
			got.MAP, reference.want.MAP, off, got.MAP50, reference.want.MAP50, off50)
		if math.Abs(off) > within || math.Abs(off50) > within {
			t.Errorf("%s is further than %.1f points from the reference", model.Name, 100*within)
		}
	}
}
