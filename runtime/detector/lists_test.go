package detector

import (
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func named(name string, t Tensor) Tensor { t.Name = name; return t }

// foundWith is [found] where the boxes are not as the family has them.
func foundWith(t *testing.T, f functions.Family, r functions.Read, outputs ...Tensor) []box {
	t.Helper()
	d := newDetector(t, Options{Family: f, InputSize: 64, Read: r})
	s := new(scratch)
	if err := d.family.read(s, outputs, 64, 0.25); err != nil {
		t.Fatal(err)
	}
	s.renumber(d.family.Read)
	sortBest(s.boxes)
	return s.boxes
}

func TestABoxIsWhatItsCornersSay(t *testing.T) {
	want := box{Box: functions.Box{X1: 8, Y1: 16, X2: 24, Y2: 64}, score: 0.5}
	for corners, four := range map[string][]float32{
		functions.CornersXYXY: {8, 16, 24, 64}, functions.CornersYXYX: {16, 8, 64, 24}, functions.CornersCXCYWH: {16, 40, 16, 48},
	} {
		for unit, over := range map[string]float32{functions.UnitPixels: 1, functions.UnitShares: 64} {
			at := make([]float32, 4)
			for i, v := range four {
				at[i] = v / over
			}
			wantBoxes(t, foundWith(t, functions.FamilySSD, functions.Read{Corners: corners, Unit: unit},
				named("boxes", tensor(at, 1, 4)), whole([]int64{0}, 1), named("scores", tensor([]float32{0.5}, 1))), want)
		}
	}
}

func TestClassesThatAreTheBackgroundAreNone(t *testing.T) {
	boxes := named("boxes", tensor([]float32{0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9}, 3, 4))
	scores := named("scores", tensor([]float32{0.9, 0.8, 0.7}, 3))
	wantBoxes(t, foundWith(t, functions.FamilySSD, functions.Read{ClassIDs: functions.ClassIDsFrom1}, boxes, whole([]int64{0, 1, 3}, 3), scores),
		box{Box: functions.Box{X2: 9, Y2: 9}, score: 0.8, class: 0}, box{Box: functions.Box{X2: 9, Y2: 9}, score: 0.7, class: 2})
	// 12 is an id that COCO never used.
	wantBoxes(t, foundWith(t, functions.FamilySSD, functions.Read{ClassIDs: functions.ClassIDsCOCO91}, boxes, whole([]int64{90, 12, 1}, 3), scores),
		box{Box: functions.Box{X2: 9, Y2: 9}, score: 0.9, class: 79}, box{Box: functions.Box{X2: 9, Y2: 9}, score: 0.7, class: 0})
}

func TestFourScoresAreNotABox(t *testing.T) {
	boxes := named("det_boxes", tensor([]float32{0, 0, 9, 9, 1, 1, 9, 9, 2, 2, 9, 9, 3, 3, 9, 9}, 1, 4, 4))
	scores := named("det_scores", tensor([]float32{0.5, 0.6, 0.1, 0.1}, 1, 4))
	classes := named("det_classes", whole([]int64{1, 2, 0, 0}, 1, 4))
	count := named("num_dets", whole([]int64{2}, 1, 1))
	for _, outputs := range [][]Tensor{{count, boxes, scores, classes}, {scores, classes, boxes, count}} {
		wantBoxes(t, foundWith(t, functions.FamilyEfficientNMS, functions.Read{}, outputs...),
			box{Box: functions.Box{X1: 1, Y1: 1, X2: 9, Y2: 9}, score: 0.6, class: 2}, box{Box: functions.Box{X2: 9, Y2: 9}, score: 0.5, class: 1})
	}
}

func TestACountBeyondTheListIsTheList(t *testing.T) {
	for _, count := range []int64{1, 7, 1 << 40} {
		got := foundWith(t, functions.FamilyEfficientNMS, functions.Read{},
			named("num_dets", whole([]int64{count}, 1, 1)), named("boxes", tensor([]float32{0, 0, 9, 9}, 1, 1, 4)),
			named("scores", tensor([]float32{0.5}, 1, 1)), named("classes", whole([]int64{0}, 1, 1)))
		if len(got) != 1 {
			t.Errorf("a count of %d gives %d boxes", count, len(got))
		}
	}
	if got := foundWith(t, functions.FamilyEfficientNMS, functions.Read{},
		named("num_dets", whole([]int64{-1}, 1, 1)), named("boxes", tensor([]float32{0, 0, 9, 9}, 1, 1, 4)),
		named("scores", tensor([]float32{0.5}, 1, 1)), named("classes", whole([]int64{0}, 1, 1))); len(got) != 0 {
		t.Errorf("a count of -1 gives %d boxes", len(got))
	}
}

func TestIndicesThatPointNowhereAreNone(t *testing.T) {
	indices := named("selected", whole([]int64{0, 1, 1, -1, -1, -1, 0, 2, 0, 0, 0, 3, 1, 0, 0, 0, 1 << 40, 0}, 6, 3))
	boxes := named("boxes", tensor([]float32{0, 0, 9, 9, 1, 1, 9, 9}, 1, 2, 4))
	scores := named("scores", tensor([]float32{0.3, 0.4, 0.5, 0.6}, 1, 2, 2))
	wantBoxes(t, foundWith(t, functions.FamilyNMSIndices, functions.Read{}, indices, boxes, scores),
		box{Box: functions.Box{X1: 1, Y1: 1, X2: 9, Y2: 9}, score: 0.6, class: 1})
}

func TestListsThatDoNotFitAreRefused(t *testing.T) {
	boxes := named("boxes", tensor([]float32{0, 0, 9, 9}, 1, 4))
	for name, outputs := range map[string][]Tensor{
		"no scores":                  {boxes, whole([]int64{0}, 1)},
		"fewer labels than boxes":    {named("boxes", tensor(make([]float32, 8), 2, 4)), whole([]int64{0}, 1), named("scores", tensor([]float32{1, 1}, 2))},
		"no boxes":                   {whole([]int64{0}, 1), named("scores", tensor([]float32{1}, 1))},
		"less data than shapes":      {named("boxes", tensor(make([]float32, 7), 2, 4)), whole([]int64{0, 0}, 2), named("scores", tensor([]float32{1, 1}, 2))},
		"a shape beyond all numbers": {named("boxes", tensor(nil, 1<<62, 4)), whole([]int64{0}, 1), named("scores", tensor([]float32{1}, 1))},
	} {
		for _, f := range []functions.Family{functions.FamilySSD, functions.FamilyTFOD, functions.FamilyEfficientNMS} {
			err := newDetector(t, Options{Family: f, InputSize: 64}).family.read(new(scratch), outputs, 64, 0.25)
			if functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "scores") {
				t.Errorf("%s, %s: %v", f, name, err)
			}
		}
	}
}

func TestOptionsThatCannotBeAreErrors(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no family":                      func(o *Options) { o.Family = functions.FamilyAuto },
		"a size off the grid":            func(o *Options) { o.InputSize = 300 },
		"no size":                        func(o *Options) { o.InputSize = 0 },
		"a place that is none":           func(o *Options) { o.Feed.Place = "left" },
		"colours that are none":          func(o *Options) { o.Feed.Colours = "gbr" },
		"a padding that is no byte":      func(o *Options) { o.Feed.Pad = new(256) },
		"a divisor below zero":           func(o *Options) { o.Feed.Divisor = -1 },
		"a mean of two channels":         func(o *Options) { o.Feed.Mean = []float64{1, 2} },
		"a deviation of four channels":   func(o *Options) { o.Feed.Std = []float64{1, 2, 3, 4} },
		"an input larger than any other": func(o *Options) { o.InputSize = 8192 },
	} {
		o := Options{Family: functions.FamilyYOLOv8, InputSize: 320}
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: a detector was made", name)
		}
	}
	if _, err := New(Options{Family: functions.FamilySSD, InputSize: 300}); err != nil {
		t.Errorf("an SSD of 300 pixels: %v", err)
	}
}
