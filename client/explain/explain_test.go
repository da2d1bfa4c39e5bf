package explain

import (
	"context"
	"image"
	"image/color"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// square is what the synthetic detector sees: a bright square on a dark picture.
var square = image.Rect(60, 30, 90, 60)

func squarePicture() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 128, 96))
	for y := range 96 {
		for x := range 128 {
			v := uint8(40 + (x*7+y*13)%30)
			if image.Pt(x, y).In(square) {
				v = 230
			}
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return img
}

func boxOf(r image.Rectangle) functions.Box {
	return functions.Box{X1: float32(r.Min.X), Y1: float32(r.Min.Y), X2: float32(r.Max.X), Y2: float32(r.Max.Y)}
}

// seesBright is a detector of the bright square: its score is how much of it is bright,
// its box what is bright. Beside it it always sees another class in the same place.
func seesBright(_ context.Context, p *image.RGBA) ([]functions.Detection, error) {
	var seen image.Rectangle
	bright := 0
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			if p.Pix[y*p.Stride+4*x] >= 115 {
				seen = seen.Union(image.Rect(x, y, x+1, y+1))
				bright++
			}
		}
	}
	found := []functions.Detection{{Class: "moon", ClassID: 2, Score: 1, Box: boxOf(square)}}
	if bright > 0 {
		score := float32(bright) / float32(square.Dx()*square.Dy())
		found = append(found, functions.Detection{Class: "square", ClassID: 1, Score: score, Box: boxOf(seen)})
	}
	return found, nil
}

var target = functions.Detection{Class: "square", ClassID: 1, Score: 1, Box: boxOf(square)}

func TestTheMassLiesOnWhatTheDetectorSees(t *testing.T) {
	var last, all int
	e, err := Explain(t.Context(), squarePicture(), target, seesBright, Options{
		Masks: 400, Grid: 8, Seed: 3,
		Progress: func(done, of int) {
			if done != last+1 {
				t.Errorf("%d are done after %d", done, last)
			}
			last, all = done, of
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != all || last != 2+400+6*9 {
		t.Errorf("%d of %d pictures were answered", last, all)
	}
	// A hundredth less than the hottest tenth of 128x96 pixels can lie in the square.
	inside, area := e.Map.Inside(target.Box)
	if most := float64(square.Dx()*square.Dy()) / (128 * 96 / 10); inside < 0.8*most {
		t.Errorf("%.2f of the hottest tenth lies in the square, at most %.2f could; it is %.2f of the picture", inside, most, area)
	}
	beside, spread := moments(e.Map, false)
	if on, _ := moments(e.Map, true); on < beside+2*spread {
		t.Errorf("saliency is %.3f on the square, %.3f beside it with a deviation of %.3f", on, beside, spread)
	}
	if !e.Curves.Explain() || Area(e.Curves.Deletion) > 0.2 || Area(e.Curves.Insertion) < 0.7 {
		t.Errorf("deletion %.2f, insertion %.2f, at random %.2f", Area(e.Curves.Deletion), Area(e.Curves.Insertion), Area(e.Curves.Random))
	}
	for _, c := range [][]float64{e.Curves.Deletion, e.Curves.Random} {
		if len(c) != 11 || c[0] != 1 || c[10] != 0 {
			t.Errorf("the curve is %v", c)
		}
	}
	if c := e.Curves.Insertion; len(c) != 11 || c[0] != 0 || c[10] != 1 {
		t.Errorf("the curve is %v", c)
	}
}

// moments are mean and standard deviation of the map on the square, or beside it.
func moments(m Map, on bool) (mean, deviation float64) {
	var sum, squares, n float64
	for i, v := range m.Values {
		if image.Pt(i%m.Width, i/m.Width).In(square) == on {
			sum += float64(v)
			squares += float64(v) * float64(v)
			n++
		}
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean))
}

func TestAMapThatKnowsNothingDoesNotExplain(t *testing.T) {
	wrong := Map{Width: 128, Height: 96, Values: make([]float32, 128*96)}
	for i := range wrong.Values {
		if !image.Pt(i%128, i/128).In(square) {
			wrong.Values[i] = 1
		}
	}
	o, err := Options{Grid: 8}.withDefaults(target.Box, image.Pt(128, 96))
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t.Context(), squarePicture(), target, seesBright, o)
	c, err := r.curves(wrong, 1, 0)
	if err != nil || c.Explain() || Area(c.Deletion) < 0.8 {
		t.Errorf("deletion %.2f, insertion %.2f, at random %.2f, %v", Area(c.Deletion), Area(c.Insertion), Area(c.Random), err)
	}
}

func TestTheSameSeedMakesTheSameMap(t *testing.T) {
	of := func(seed uint64, parallel int) Map {
		e, err := Explain(t.Context(), squarePicture(), target, seesBright, Options{Masks: 20, Grid: 4, Seed: seed, Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		return e.Map
	}
	one := of(1, 1)
	if diff := cmp.Diff(one, of(1, 7)); diff != "" {
		t.Error("the map depends on who is asked first")
	}
	if cmp.Equal(one, of(2, 1)) {
		t.Error("another seed makes the same map")
	}
}

func TestMasksShowWhatTheyAreToShow(t *testing.T) {
	for _, keep := range []float64{0.2, 0.5, 0.9} {
		o, err := Options{Keep: keep, Grid: 8}.withDefaults(target.Box, image.Pt(128, 96))
		if err != nil {
			t.Fatal(err)
		}
		m := newMask(image.Pt(50, 37))
		mean := make([]float64, len(m.values))
		const masks = 2000
		for i := range masks {
			m.cover(o, uint64(i))
			for at, v := range m.values {
				if v < 0 || v > 1 {
					t.Fatalf("mask %d shows %v of a pixel", i, v)
				}
				mean[at] += float64(v) / masks
			}
		}
		// No place is favoured, the corners as little as the middle.
		for at, v := range mean {
			if math.Abs(v-keep) > 0.06 {
				t.Fatalf("pixel %d is shown %.3f of the time, want %v", at, v, keep)
			}
		}
	}
}

func TestSimilarityIsOverlapClassAndScore(t *testing.T) {
	at := func(class string, id int, score float32, b functions.Box) functions.Detection {
		return functions.Detection{Class: class, ClassID: id, Score: score, Box: b}
	}
	box, half := functions.Box{X2: 10, Y2: 10}, functions.Box{X2: 5, Y2: 10}
	whole := at("cat", 15, 0.9, box)
	for _, tt := range []struct {
		name  string
		found []functions.Detection
		want  float64
	}{
		{"itself", []functions.Detection{whole}, 0.9},
		{"nothing", nil, 0},
		{"another class in its place", []functions.Detection{at("dog", 16, 1, box)}, 0},
		{"the best of two", []functions.Detection{at("cat", 15, 1, half), at("cat", 15, 0.4, box)}, 0.5},
		{"elsewhere", []functions.Detection{at("cat", 15, 1, functions.Box{X1: 20, X2: 30, Y2: 10})}, 0},
		{"no number", []functions.Detection{at("cat", 15, float32(math.NaN()), box)}, 0},
	} {
		if got := similarity(whole, tt.found); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTheGridFollowsTheBox(t *testing.T) {
	for want, side := range map[int]float32{6: 100, 10: 50, 16: 20} {
		if got := gridFor(functions.Box{X2: side, Y2: side}, image.Pt(100, 100)); got != want {
			t.Errorf("a box of %v in 100: %d cells, want %d", side, got, want)
		}
	}
	if got := gridFor(functions.Box{}, image.Pt(0, 0)); got != 16 {
		t.Errorf("an empty box: %d", got)
	}
}

func TestWhatCannotBeExplainedIsRefused(t *testing.T) {
	nothing := func(context.Context, *image.RGBA) ([]functions.Detection, error) { return nil, nil }
	if _, err := Explain(t.Context(), squarePicture(), target, nothing, Options{}); functions.KindOf(err) != functions.Invalid {
		t.Errorf("a detection that is not made: %v", err)
	}
	for name, o := range map[string]Options{
		"a mask": {Masks: 1}, "no cells": {Grid: -1}, "all of it": {Keep: 1}, "nothing of it": {Keep: -0.1},
		"no number": {Keep: math.NaN()}, "a crowd": {Parallel: 1000}, "one step": {Steps: 1},
	} {
		if _, err := Explain(t.Context(), squarePicture(), target, seesBright, o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestABusyDetectorIsAskedAgainAndABrokenOneIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		busy := func(ctx context.Context, p *image.RGBA) ([]functions.Detection, error) {
			if asked.Add(1)%3 == 0 {
				return nil, functions.Errorf(functions.Busy, "later")
			}
			return seesBright(ctx, p)
		}
		if _, err := Explain(t.Context(), squarePicture(), target, busy, Options{Masks: 10, Grid: 4, Steps: 2}); err != nil {
			t.Error(err)
		}
		asked.Store(0)
		broken := func(context.Context, *image.RGBA) ([]functions.Detection, error) {
			asked.Add(1)
			return nil, functions.Errorf(functions.Unreadable, "no")
		}
		_, err := Explain(t.Context(), squarePicture(), target, broken, Options{})
		if functions.KindOf(err) != functions.Unreadable || asked.Load() > 2 {
			t.Errorf("asked %d times: %v", asked.Load(), err)
		}
		asked.Store(0)
		never := func(context.Context, *image.RGBA) ([]functions.Detection, error) {
			asked.Add(1)
			return nil, functions.Errorf(functions.Busy, "never")
		}
		if _, err := Explain(t.Context(), squarePicture(), target, never, Options{}); functions.KindOf(err) != functions.Busy || asked.Load() > 2*tries {
			t.Errorf("asked %d times: %v", asked.Load(), err)
		}
	})
}

func TestACoarseMapHasTheMeansOfTheFineOne(t *testing.T) {
	m := Map{Width: 65, Height: 3, Values: make([]float32, 65*3)}
	for i := range m.Values {
		m.Values[i] = float32(i % 65 / 3)
	}
	rows := m.Coarse()
	if len(rows) != 1 || len(rows[0]) != 22 || !slices.IsSorted(rows[0]) || rows[0][21] != 21 {
		t.Errorf("the coarse map is %v", rows)
	}
}
