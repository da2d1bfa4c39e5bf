package detector

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
)

// found is what a family reads from its outputs, best first.
func found(t *testing.T, f functions.Family, size int, minScore float32, outputs ...Tensor) []box {
	t.Helper()
	s := new(scratch)
	if err := newDetector(t, Options{Family: f, InputSize: max(size, 32)}).family.read(s, outputs, size, minScore); err != nil {
		t.Fatal(err)
	}
	sortBest(s.boxes)
	return s.boxes
}

func tensor(data []float32, shape ...int64) Tensor {
	return Tensor{Name: "output0", Shape: shape, Data: data}
}

func wantBoxes(t *testing.T, got []box, want ...box) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(box{}), cmpopts.IgnoreFields(box{}, "place"),
		cmpopts.EquateApprox(0, 1e-4), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("boxes (-want +got)\n%s", diff)
	}
}

func TestYOLOv8IsReadColumnWise(t *testing.T) {
	// Three anchors and two classes: a row is one channel of all anchors.
	out := tensor([]float32{
		100, 200, 300, // cx
		110, 210, 310, // cy
		20, 40, 60, // w
		10, 30, 50, // h
		0.9, 0.1, 0.2, // class 0
		0.3, 0.24, 0.8, // class 1
	}, 1, 6, 3)
	wantBoxes(t, found(t, functions.FamilyYOLOv8, 640, 0.25, out),
		box{Box: functions.Box{X1: 90, Y1: 105, X2: 110, Y2: 115}, score: 0.9, class: 0},
		box{Box: functions.Box{X1: 270, Y1: 285, X2: 330, Y2: 335}, score: 0.8, class: 1},
	)
}

func TestYOLOv8KeepsAScoreThatIsJustTheLowest(t *testing.T) {
	out := tensor([]float32{5, 5, 2, 2, 0.25}, 1, 5, 1)
	if n := len(found(t, functions.FamilyYOLOv8, 640, 0.25, out)); n != 1 {
		t.Errorf("%d boxes, want 1", n)
	}
}

func TestRowsAreReadAsTheyAre(t *testing.T) {
	out := tensor([]float32{
		10, 20, 30, 40, 0.5, 2,
		11, 21, 31, 41, 0.7, 79,
		0, 0, 9, 9, 0.1, 0, // too low
		0, 0, 9, 9, 0.9, -1, // no class
	}, 1, 4, 6)
	for _, family := range []functions.Family{functions.FamilyYOLOE2E, functions.FamilyCenterNet} {
		wantBoxes(t, found(t, family, 640, 0.25, out),
			box{Box: functions.Box{X1: 11, Y1: 21, X2: 31, Y2: 41}, score: 0.7, class: 79},
			box{Box: functions.Box{X1: 10, Y1: 20, X2: 30, Y2: 40}, score: 0.5, class: 2},
		)
	}
}

func TestYOLOXGridsAreUndone(t *testing.T) {
	// At 64 pixels: 8x8 cells of 8, 4x4 of 16, 2x2 of 32; two classes.
	const cells, row = 64 + 16 + 4, 7
	data := make([]float32, cells*row)
	cell := func(i int, values ...float32) { copy(data[i*row:], values) }
	cell(8+3, 0.5, 0.25, 0, float32(math.Log(2)), 0.9, 0.2, 0.8)   // stride 8, x 3, y 1
	cell(64+2*4+1, 0, 0, float32(math.Log(0.5)), 0, 0.5, 0.9, 0.1) // stride 16, x 1, y 2
	cell(64+16+3, 0.5, 0.5, 0, 0, 0.6, 0.5, 0.4)                   // stride 32, x 1, y 1
	cell(0, 0, 0, 0, 0, 0.24, 1, 1)                                // not an object
	cell(1, 0, 0, 0, 0, 0.5, 0.4, 0.3)                             // 0.5*0.4 is too low
	wantBoxes(t, found(t, functions.FamilyYOLOX, 64, 0.25, tensor(data, 1, cells, row)),
		box{Box: functions.Box{X1: 24, Y1: 2, X2: 32, Y2: 18}, score: 0.72, class: 1},
		box{Box: functions.Box{X1: 12, Y1: 24, X2: 20, Y2: 40}, score: 0.45, class: 0},
		box{Box: functions.Box{X1: 32, Y1: 32, X2: 64, Y2: 64}, score: 0.3, class: 0},
	)
}

func TestYOLOv5ScoresObjectnessTimesClass(t *testing.T) {
	out := tensor([]float32{
		100, 110, 20, 10, 0.9, 0.2, 0.8,
		200, 210, 40, 30, 0.5, 0.9, 0.1,
		300, 310, 60, 50, 0.24, 1, 1, // not an object
		300, 310, 60, 50, 0.5, 0.4, 0.3, // 0.5*0.4 is too low
	}, 1, 4, 7)
	wantBoxes(t, found(t, functions.FamilyYOLOv5, 640, 0.25, out),
		box{Box: functions.Box{X1: 90, Y1: 105, X2: 110, Y2: 115}, score: 0.72, class: 1},
		box{Box: functions.Box{X1: 180, Y1: 195, X2: 220, Y2: 225}, score: 0.45, class: 0},
	)
}

func whole(values []int64, shape ...int64) Tensor {
	return Tensor{Name: "labels", Shape: shape, Ints: values}
}

func TestDETRIsReadAsItsPostprocessorLeavesIt(t *testing.T) {
	labels := whole([]int64{16, 0, 3, -1, 1 << 40}, 1, 5)
	boxes := tensor([]float32{10, 20, 30, 40, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 9, 9, 0, 0, 9, 9}, 1, 5, 4)
	scores := tensor([]float32{0.5, 0.9, 0.2, 0.9, 0.9}, 1, 5)
	for _, outputs := range [][]Tensor{{labels, boxes, scores}, {scores, labels, boxes}} {
		wantBoxes(t, found(t, functions.FamilyDETR, 640, 0.25, outputs...),
			box{Box: functions.Box{X1: 1, Y1: 2, X2: 3, Y2: 4}, score: 0.9, class: 0},
			box{Box: functions.Box{X1: 10, Y1: 20, X2: 30, Y2: 40}, score: 0.5, class: 16},
		)
	}
}

func TestRawDETRTakesTheBestOfAllQueriesAndClasses(t *testing.T) {
	logit := func(p float64) float32 { return float32(math.Log(p / (1 - p))) }
	logits := tensor([]float32{logit(0.9), logit(0.4), logit(0.1), logit(0.2), logit(0.1), logit(0.7)}, 1, 2, 3)
	boxes := tensor([]float32{0.5, 0.5, 0.25, 0.5, 0.25, 0.75, 0.5, 0.5}, 1, 2, 4)
	for _, outputs := range [][]Tensor{{logits, boxes}, {boxes, logits}} {
		// One query may be two things.
		wantBoxes(t, found(t, functions.FamilyDETRRaw, 64, 0.25, outputs...),
			box{Box: functions.Box{X1: 24, Y1: 16, X2: 40, Y2: 48}, score: 0.9, class: 0},
			box{Box: functions.Box{X1: 0, Y1: 32, X2: 32, Y2: 64}, score: 0.7, class: 2},
			box{Box: functions.Box{X1: 24, Y1: 16, X2: 40, Y2: 48}, score: 0.4, class: 1},
		)
	}
}

func TestRawDETROfFourClassesIsToldByName(t *testing.T) {
	logits := Tensor{Name: "logits", Shape: []int64{1, 1, 4}, Data: []float32{-9, -9, 9, -9}}
	boxes := Tensor{Name: "pred_boxes", Shape: []int64{1, 1, 4}, Data: []float32{0.5, 0.5, 1, 1}}
	for _, outputs := range [][]Tensor{{logits, boxes}, {boxes, logits}} {
		got := found(t, functions.FamilyDETRRaw, 64, 0.25, outputs...)
		if len(got) != 1 || got[0].class != 2 || got[0].X2 != 64 {
			t.Errorf("%+v, want class 2 all over the square", got)
		}
	}
}

func TestASigmoidIsCutWhereItRoundsTo(t *testing.T) {
	// Whatever the lowest score, the quick cut by logit takes none away.
	for logit := float32(-90); logit < 40; logit += 0.0625 {
		score := float32(1 / (1 + math.Exp(-float64(logit))))
		if logit < leastLogit(score) {
			t.Fatalf("a logit of %v, which scores %v, is cut at %v", logit, score, leastLogit(score))
		}
	}
}

func TestANumberThatIsNotFiniteIsNoBox(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, bad := range []float32{nan, inf, -inf} {
		for place := range 6 {
			row := []float32{10, 10, 20, 20, 0.9, 1}
			row[place] = bad
			for _, family := range []functions.Family{functions.FamilyYOLOE2E, functions.FamilyCenterNet} {
				wantBoxes(t, found(t, family, 640, 0.25, tensor(row, 1, 1, 6)))
			}
		}
		for place := range 6 {
			row := []float32{10, 10, 20, 20, 0.9, 0.9}
			row[place] = bad
			wantBoxes(t, found(t, functions.FamilyYOLOv5, 640, 0.25, tensor(row, 1, 1, 6)))
		}
		for place := range 4 {
			at := []float32{0.1, 0.1, 0.2, 0.2}
			at[place] = bad
			boxes := tensor(at, 1, 1, 4)
			wantBoxes(t, found(t, functions.FamilyDETR, 640, 0.25, whole([]int64{0}, 1, 1), boxes, tensor([]float32{0.9}, 1, 1)))
			wantBoxes(t, found(t, functions.FamilyDETRRaw, 640, 0.25, tensor([]float32{3}, 1, 1, 1), boxes))
		}
		boxes := tensor([]float32{0.1, 0.1, 0.2, 0.2}, 1, 1, 4)
		wantBoxes(t, found(t, functions.FamilyDETR, 640, 0.25, whole([]int64{0}, 1, 1), boxes, tensor([]float32{bad}, 1, 1)))
		if !math.IsInf(float64(bad), 1) { // which is as certain as can be
			wantBoxes(t, found(t, functions.FamilyDETRRaw, 640, 0.25, tensor([]float32{bad}, 1, 1, 1), boxes))
		}
		for place := range 5 {
			column := []float32{10, 10, 20, 20, 0.9}
			column[place] = bad
			wantBoxes(t, found(t, functions.FamilyYOLOv8, 640, 0.25, tensor(column, 1, 5, 1)))
		}
		data := make([]float32, 21*6)
		copy(data, []float32{0, 0, 0, 0, 0.9, 0.9})
		for place := range 6 {
			cells := append([]float32(nil), data...)
			cells[place] = bad
			got := found(t, functions.FamilyYOLOX, 32, 0.25, tensor(cells, 1, 21, 6))
			if math.IsInf(float64(bad), -1) && (place == 2 || place == 3) {
				continue // exp of it is 0: a box without area, which answer leaves out
			}
			wantBoxes(t, got)
		}
	}
}

func TestAScoreIsNeverMoreThanOne(t *testing.T) {
	got := found(t, functions.FamilyYOLOE2E, 640, 0.25, tensor([]float32{1, 1, 2, 2, 1.0001, 0}, 1, 1, 6))
	wantBoxes(t, got, box{Box: functions.Box{X1: 1, Y1: 1, X2: 2, Y2: 2}, score: 1})
}

func TestOutputsOfAnotherShapeAreRefusedWithBothShapes(t *testing.T) {
	data := make([]float32, 84*10)
	for _, test := range []struct {
		name    string
		family  functions.Family
		outputs []Tensor
		says    []string
	}{
		{"no output", functions.FamilyYOLOv8, nil, []string{"[1, 4+classes, anchors]"}},
		{"a rank too low", functions.FamilyYOLOv8, []Tensor{tensor(data, 84, 10)}, []string{"4+classes", "output0 [84 10]"}},
		{"a batch", functions.FamilyYOLOv8, []Tensor{tensor(data, 2, 42, 10)}, []string{"[2 42 10]"}},
		{"no class", functions.FamilyYOLOv8, []Tensor{tensor(data, 1, 4, 210)}, []string{"[1 4 210]"}},
		{"less data than the shape says", functions.FamilyYOLOv8, []Tensor{tensor(data[:9], 1, 84, 10)}, []string{"[1 84 10]"}},
		{"a shape that overflows", functions.FamilyYOLOv8, []Tensor{tensor(data, 1, 1<<62, 1<<62)}, []string{"4611686018427387904"}},
		{"a negative dimension", functions.FamilyYOLOE2E, []Tensor{tensor(data, 1, -140, 6)}, []string{"[1 -140 6]"}},
		{"YOLOv8's read as YOLO26's", functions.FamilyYOLOE2E, []Tensor{tensor(data, 1, 84, 10)}, []string{"[1, boxes, 6]", "[1 84 10]"}},
		{"CenterNet's heat maps", functions.FamilyCenterNet, []Tensor{tensor(data, 1, 84, 5, 2)}, []string{"[1, peaks, 6]", "[1 84 5 2]"}},
		{"YOLOX at another size", functions.FamilyYOLOX, []Tensor{tensor(data, 1, 10, 84)}, []string{"[1, 8400, 5+classes]", "[1 10 84]"}},
		{"YOLOv5 without classes", functions.FamilyYOLOv5, []Tensor{tensor(data, 1, 168, 5)}, []string{"[1, anchors, 5+classes]", "[1 168 5]"}},
		{"labels that are not whole", functions.FamilyDETR, []Tensor{tensor(data[:8], 1, 2, 4), tensor(data[:2], 1, 2)}, []string{"labels int64 [1, queries]"}},
		{"fewer labels than boxes", functions.FamilyDETR, []Tensor{tensor(data[:8], 1, 2, 4), tensor(data[:2], 1, 2), whole(make([]int64, 1), 1, 1)}, []string{"labels int64 [1 1]"}},
		{"boxes that are whole", functions.FamilyDETR, []Tensor{whole(make([]int64, 8), 1, 2, 4)}, []string{"boxes [1, queries, 4]"}},
		{"a DETR without its logits", functions.FamilyDETRRaw, []Tensor{tensor(data[:8], 1, 2, 4)}, []string{"logits [1, queries, classes]"}},
		{"a DETR without its boxes", functions.FamilyDETRRaw, []Tensor{tensor(data[:6], 1, 2, 3)}, []string{"boxes [1, queries, 4]", "[1 2 3]"}},
		{"more logits than boxes", functions.FamilyDETRRaw, []Tensor{tensor(data[:8], 1, 2, 4), tensor(data[:9], 1, 3, 3)}, []string{"[1 3 3]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := newDetector(t, Options{Family: test.family, InputSize: 640}).family.read(new(scratch), test.outputs, 640, 0.25)
			if functions.KindOf(err) != functions.Unavailable {
				t.Fatalf("%v, want it unavailable", err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

func TestTheOutputIsFoundAmongOthers(t *testing.T) {
	other := Tensor{Name: "features", Shape: []int64{1, 2}, Data: make([]float32, 2)}
	got := found(t, functions.FamilyYOLOE2E, 640, 0.25, other, tensor([]float32{1, 1, 2, 2, 0.5, 0}, 1, 1, 6))
	if len(got) != 1 {
		t.Errorf("%d boxes, want 1", len(got))
	}
}
