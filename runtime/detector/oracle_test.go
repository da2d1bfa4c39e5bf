package detector_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/detector/detectortest"
	"github.com/seed45885407/saccade/runtime/vision"
)

// reference is what an independent pipeline, another decoder and another resize
// in another language, found in one picture.
type reference struct {
	Width      int                  `json:"width"`
	Height     int                  `json:"height"`
	Detections []referenceDetection `json:"detections"`
}

type referenceDetection struct {
	ClassID int        `json:"class_id"`
	Class   string     `json:"class"`
	Score   float32    `json:"score"`
	Box     [4]float32 `json:"box"`
}

// tolerance is how far from the reference a detection may be.
type tolerance struct{ minIoU, maxScore float32 }

// From a JPEG, another decoder and another resize make other pixels; from the
// very pixels that the reference saw, only rounding is left.
var (
	fromJPEG   = tolerance{minIoU: 0.9, maxScore: 0.03}
	fromPixels = tolerance{minIoU: 0.99, maxScore: 0.005}
)

// certain is the score from which on a reference detection must be found.
const certain = 0.4

// deviation is the worst seen.
type deviation struct {
	pictures, detections int
	minIoU, maxScore     float32
}

func (d deviation) String() string {
	return fmt.Sprintf("%d detections in %d pictures: |score| <= %.4f, IoU >= %.4f",
		d.detections, d.pictures, d.maxScore, d.minIoU)
}

// compare finds each certain detection of want in got, by class and overlap.
func (d *deviation) compare(t *testing.T, name string, got []functions.Detection, want reference, within tolerance) {
	t.Helper()
	d.pictures++
	if d.pictures == 1 {
		d.minIoU = 1
	}
	for _, w := range want.Detections {
		if w.Score < certain {
			continue
		}
		d.detections++
		box := functions.Box{X1: w.Box[0], Y1: w.Box[1], X2: w.Box[2], Y2: w.Box[3]}
		var same []functions.Detection
		for _, g := range got {
			if g.ClassID == w.ClassID {
				same = append(same, g)
			}
		}
		if len(same) == 0 {
			t.Errorf("%s: no %s at all, want one of score %.3f at %v", name, w.Class, w.Score, box)
			continue
		}
		best := slices.MaxFunc(same, func(a, b functions.Detection) int {
			return cmp.Compare(a.Box.IoU(box), b.Box.IoU(box))
		})
		iou, score := best.Box.IoU(box), max(best.Score-w.Score, w.Score-best.Score)
		d.minIoU, d.maxScore = min(d.minIoU, iou), max(d.maxScore, score)
		if iou < within.minIoU || score > within.maxScore {
			t.Errorf("%s: %s %.4f at %v, want %.4f at %v: IoU %.4f, |score| %.4f",
				name, w.Class, best.Score, best.Box, w.Score, box, iou, score)
		}
	}
}

func detect(t *testing.T, d *detector.Detector, s detector.Session, p *vision.Picture) []functions.Detection {
	t.Helper()
	found, _, err := d.Detect(t.Context(), s, p, functions.Parameters{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryModelFindsWhatTheReferenceFound(t *testing.T) {
	decoders := decoders(t)
	for _, model := range append(detectortest.Models(), detectortest.RawDETR()) {
		t.Run(model.Name, func(t *testing.T) {
			oracle := model.Name
			if model == detectortest.RawDETR() {
				oracle = "deimv2_hgnetv2_atto_coco" // the same network with its postprocessor
			}
			session := detectortest.Open(t, model)
			d := model.Detector(t, functions.Thresholds{MinScore: new(0.2)})
			var fromExact deviation
			fromFiles := map[string]*deviation{}
			files, err := filepath.Glob(detectortest.Data(t, "oracle") + "/" + oracle + "__*.json")
			if err != nil || len(files) != 6 {
				t.Fatalf("%d reference files (%v), want 6", len(files), err)
			}
			for _, file := range files {
				var want reference
				detectortest.JSON(t, &want, "oracle", filepath.Base(file))
				_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "__")

				for _, decoder := range decoders {
					picture, err := vision.Decode(detectortest.Bytes(t, "images", name+".jpg"), decoder.limits)
					if err != nil {
						t.Fatal(err)
					}
					if picture.Width != want.Width || picture.Height != want.Height {
						t.Errorf("%s is %dx%d, want %dx%d", name, picture.Width, picture.Height, want.Width, want.Height)
					}
					if fromFiles[decoder.name] == nil {
						fromFiles[decoder.name] = new(deviation)
					}
					fromFiles[decoder.name].compare(t, name+".jpg "+decoder.name,
						detect(t, d, session, picture), want, fromJPEG)
				}
				if name == "bus" || name == "zidane" {
					picture := detectortest.Picture(t, "images", "exact", name+".png")
					fromExact.compare(t, name+".png", detect(t, d, session, picture), want, fromPixels)
				}
			}
			for name, from := range fromFiles {
				t.Logf("from JPEG:   %v, %s", from, name)
			}
			t.Logf("from pixels: %v", fromExact)
		})
	}
}

func TestAwkwardPicturesDetectAsTheReferenceDid(t *testing.T) {
	var manifest []struct{ File, Expect string }
	detectortest.JSON(t, &manifest, "images", "manifest.json")
	var odd struct {
		Images map[string]reference `json:"images"`
	}
	detectortest.JSON(t, &odd, "oracle", "odd.json")
	model := detectortest.Models()[0]
	session := detectortest.Open(t, model)
	d := model.Detector(t, functions.Thresholds{MinScore: new(0.2)})

	for _, decoder := range decoders(t) {
		var all deviation
		for _, entry := range manifest {
			if !strings.HasPrefix(entry.File, "odd/") {
				continue
			}
			t.Run(entry.File+" "+decoder.name, func(t *testing.T) {
				picture, err := vision.Decode(detectortest.Bytes(t, "images", entry.File), decoder.limits)
				if err != nil {
					if entry.Expect == "decode" || functions.KindOf(err) != functions.Unsupported {
						t.Errorf("refused: %v", err)
					}
					return
				}
				want, known := odd.Images[entry.File]
				if !known {
					t.Logf("decoded; the reference has no detections of it")
					return
				}
				if picture.Width != want.Width || picture.Height != want.Height {
					t.Errorf("%dx%d, want %dx%d", picture.Width, picture.Height, want.Width, want.Height)
				}
				all.compare(t, entry.File, detect(t, d, session, picture), want, fromJPEG)
			})
		}
		t.Logf("%s: %v", decoder.name, all)
	}
}

func TestABusWithFourPersons(t *testing.T) {
	model := detectortest.Models()[0]
	d := model.Detector(t, functions.Thresholds{})
	counts := map[int]int{}
	for _, found := range detect(t, d, detectortest.Open(t, model), detectortest.Picture(t, "images", "bus.jpg")) {
		counts[found.ClassID]++
	}
	if counts[0] != 4 || counts[5] != 1 || len(counts) != 2 {
		t.Errorf("found, by class id, %v; want 4 persons (0) and 1 bus (5)", counts)
	}
}

func TestTheSamplesHaveAPersonACatAndACup(t *testing.T) {
	model := detectortest.Models()[3]
	session := detectortest.Open(t, model)
	d := model.Detector(t, functions.Thresholds{})
	for name, want := range map[string]int{"astronaut": 0, "chelsea": 15, "coffee": 41} {
		found := detect(t, d, session, detectortest.Picture(t, "samples", name+".png"))
		if len(found) == 0 || found[0].ClassID != want {
			t.Errorf("%s: found %v, want class %d first", name, found, want)
		}
	}
}
