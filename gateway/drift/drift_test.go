package drift

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// world makes pictures by chance.
type world struct {
	dice *rand.Rand
	// brightness is the mean of what a camera sees, cats the share of cats among animals.
	brightness, cats float64
	width            int
	found            int // detections of a picture are one to so many
}

func ordinary(seed uint64) *world {
	return &world{dice: rand.New(rand.NewPCG(1, seed)), brightness: 0.5, cats: 0.5, width: 1280, found: 3}
}

func (w *world) answer() functions.Answer {
	a := functions.Answer{
		Picture:  functions.Picture{Width: w.width, Height: 720, Format: "jpeg"},
		ModelSum: "5um",
		Light:    &functions.Light{Brightness: float32(w.brightness + 0.1*w.dice.NormFloat64()), Contrast: float32(0.2 + 0.03*w.dice.NormFloat64())},
	}
	for range 1 + w.dice.IntN(w.found) {
		class := "dog"
		if w.dice.Float64() < w.cats {
			class = "cat"
		}
		a.Detections = append(a.Detections, functions.Detection{Class: class, Score: float32(0.3 + 0.6*w.dice.Float64())})
	}
	return a
}

func revision(generation int, change ...func(*functions.Function)) functions.Revision {
	f := functions.Function{Metadata: functions.Metadata{Name: "eye"}}
	for _, c := range change {
		c(&f)
	}
	return functions.Revision{Name: fmt.Sprintf("eye-%05d", generation), Function: f.WithDefaults()}
}

// shows lets the function see n pictures.
func shows(r *Room, w *world, n int) {
	for range n {
		r.See(revision(1), functions.Parameters{}, w.answer())
	}
}

func drifted(report functions.DriftReport) []string {
	var names []string
	for _, s := range report.Signals {
		if s.Drifted {
			names = append(names, s.Signal)
		}
	}
	return names
}

func TestWhatChangesIsToldAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*world)
		want   []string
	}{
		{"nothing changes", func(*world) {}, nil},
		{"the light goes out", func(w *world) { w.brightness = 0.3 }, []string{"brightness"}},
		{"a hair of difference is none", func(w *world) { w.brightness = 0.505 }, nil},
		{"the camera is another", func(w *world) { w.width = 1920 }, []string{"width", "aspect"}},
		{"dogs alone come by", func(w *world) { w.cats = 0.05 }, []string{"class"}},
		{"a crowd", func(w *world) { w.found = 12 }, []string{"detections"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Options{})
			w := ordinary(7)
			shows(r, w, 500)
			if report := r.Report("eye", functions.Drift{}); report.State != functions.DriftWatching || report.Reference != 500 || report.Recent != 0 {
				t.Errorf("after the reference: %s, %d and %d pictures", report.State, report.Reference, report.Recent)
			}
			shows(r, w, 400)
			if got := drifted(r.Report("eye", functions.Drift{})); got != nil {
				t.Errorf("%v drifted before anything changed", got)
			}
			tt.change(w)
			shows(r, w, 400)
			report := r.Report("eye", functions.Drift{})
			if diff := cmp.Diff(tt.want, drifted(report)); diff != "" {
				t.Errorf("drifted (-want +got):\n%s\n%+v", diff, report)
			}
			if (report.State == functions.DriftDrifted) != (tt.want != nil) {
				t.Errorf("the state is %s", report.State)
			}
		})
	}
}

func TestChanceAloneIsSeldomDrift(t *testing.T) {
	alarms := 0
	for seed := range uint64(40) {
		r := New(Options{})
		shows(r, ordinary(seed), 500+2000)
		w := r.known("eye")
		for _, s := range w.states {
			if !s.Since.IsZero() {
				alarms++
			}
		}
	}
	// 40 functions, 8 signals, 90 comparisons each that overlap: some 300 of nine
	// tenths new pictures a signal.
	if alarms > 1 {
		t.Errorf("%d signals drifted in 40 functions where nothing changed", alarms)
	}
}

func TestASignalComesBackOnceAndDoesNotFlap(t *testing.T) {
	r := New(Options{})
	changes, stop, err := r.Listen("eye")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	w := ordinary(3)
	shows(r, w, 700)
	w.brightness = 0.3
	shows(r, w, 600)
	w.brightness = 0.5
	shows(r, w, 600)
	r.Hush()
	var told []string
	for change := range changes {
		told = append(told, fmt.Sprint(change.Function, change.Revision, change.Drifted, change.Signals[0].Signal))
		if s := change.Signals[0]; change.Drifted && (s.Statistic < s.Threshold || s.Recent > s.Reference-0.05) {
			t.Errorf("the change is %+v", s)
		}
	}
	want := []string{"eyeeye-00001truebrightness", "eyeeye-00001falsebrightness"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	if _, _, err := r.Listen("eye"); functions.KindOf(err) != functions.Unavailable {
		t.Errorf("a hushed room lets listen: %v", err)
	}
}

func TestAnotherModelBeginsAnewAndAnOldRevisionIsNotCounted(t *testing.T) {
	r := New(Options{})
	w := ordinary(1)
	shows(r, w, 600)
	for _, step := range []struct {
		name              string
		revision          functions.Revision
		sum               string
		reference, recent int
	}{
		{"another threshold of drift changes nothing", revision(2, func(f *functions.Function) { f.Spec.Drift.KS = 0.5 }), "5um", 500, 101},
		{"a revision that is older", revision(1), "5um", 500, 101},
		{"another lowest score", revision(3, func(f *functions.Function) { f.Spec.Thresholds.MinScore = new(0.5) }), "5um", 1, 0},
		{"another model", revision(4, func(f *functions.Function) { f.Spec.Thresholds.MinScore = new(0.5) }), "0ther", 1, 0},
		{"the old model, late", revision(3), "5um", 1, 0},
	} {
		a := w.answer()
		a.ModelSum = step.sum
		r.See(step.revision, functions.Parameters{}, a)
		report := r.Report("eye", functions.Drift{})
		if report.Reference != step.reference || report.Recent != step.recent {
			t.Errorf("%s: %d pictures of reference and %d recent ones, want %d and %d",
				step.name, report.Reference, report.Recent, step.reference, step.recent)
		}
	}
}

func TestALowestScoreOfTheRequestDoesNotLookLikeDrift(t *testing.T) {
	for _, tt := range []struct {
		name     string
		minScore *float64
		counted  float64 // pictures of which it is known what would have been said
		scores   float64
	}{
		{"its own", nil, 1, 2},
		{"lower: the rest is not counted", new(0.05), 1, 2},
		{"higher: nothing is known", new(0.6), 0, 0},
	} {
		w := &watch{}
		w.follow(revision(1), "5um")
		var p profile
		w.count(&p, functions.Parameters{MinScore: tt.minScore}, functions.Answer{Detections: []functions.Detection{{Score: 0.9}, {Score: 0.3}, {Score: 0.1}}})
		if p.sum(detections) != tt.counted || p.sum(score) != tt.scores || p.pictures() != 1 {
			t.Errorf("%s: %v counted, %v scores of %d pictures", tt.name, p.sum(detections), p.sum(score), p.pictures())
		}
	}
}

func TestARecordedReferenceIsUsedFromTheStart(t *testing.T) {
	r := New(Options{})
	if _, ok := r.Reference("eye"); ok {
		t.Error("there is a reference of a function that nobody saw")
	}
	w := ordinary(2)
	shows(r, w, 499)
	if _, ok := r.Reference("eye"); ok {
		t.Error("there is a reference before it is complete")
	}
	shows(r, w, 1)
	recorded, ok := r.Reference("eye")
	if err := recorded.Check(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	pinned := revision(1, func(f *functions.Function) { f.Spec.Drift.Recorded = &recorded })
	second := New(Options{})
	w.brightness = 0.2
	for range 260 {
		second.See(pinned, functions.Parameters{}, w.answer())
	}
	report := second.Report("eye", functions.Drift{})
	if diff := cmp.Diff([]string{"brightness"}, drifted(report)); diff != "" || report.Reference != 500 {
		t.Errorf("%d pictures of reference: %s", report.Reference, diff)
	}
}

func BenchmarkSee(b *testing.B) {
	r := New(Options{})
	w := ordinary(1)
	answers := make([]functions.Answer, 1000)
	for i := range answers {
		answers[i] = w.answer()
	}
	rev := revision(1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.See(rev, functions.Parameters{}, answers[i%len(answers)])
	}
}
