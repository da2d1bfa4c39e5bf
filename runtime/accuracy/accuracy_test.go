package accuracy

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

func object(image, class int, x, y, side float32) Object {
	return Object{Image: image, Class: class, Box: functions.Box{X1: x, Y1: y, X2: x + side, Y2: y + side}}
}

func crowd(image, class int, x, y, side float32) Object {
	o := object(image, class, x, y, side)
	o.Crowd = true
	return o
}

func find(image, class int, score, x, y, width, height float32) Found {
	return Found{Image: image, Detection: functions.Detection{
		ClassID: class, Score: score, Box: functions.Box{X1: x, Y1: y, X2: x + width, Y2: y + height},
	}}
}

func TestMAPOfCasesWorkedOutByHand(t *testing.T) {
	for _, test := range []struct {
		name  string
		truth []Object
		found []Found
		most  int
		want  Scores
	}{
		{
			"everything found exactly",
			[]Object{object(0, 0, 0, 0, 10), object(1, 0, 5, 5, 10), object(1, 3, 0, 0, 8)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10), find(1, 0, 0.8, 5, 5, 10, 10), find(1, 3, 0.2, 0, 0, 8, 8)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 2},
		},
		{
			"nothing found",
			[]Object{object(0, 0, 0, 0, 10)},
			nil,
			100,
			Scores{Classes: 1},
		},
		{
			"a class that nobody labelled does not count",
			[]Object{object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10), find(0, 7, 0.99, 0, 0, 10, 10)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 1},
		},
		{
			// 10x10 against 10x8: IoU 0.8, right at 0.50 to 0.80, seven of ten.
			"a box four fifths right",
			[]Object{object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 8)},
			100,
			Scores{MAP: 0.7, MAP50: 1, Classes: 1},
		},
		{
			// Half the objects: full precision at recalls 0 to 0.50, 51 of 101 points.
			"one of two found",
			[]Object{object(0, 0, 0, 0, 10), object(0, 0, 50, 50, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10)},
			100,
			Scores{MAP: 51. / 101, MAP50: 51. / 101, Classes: 1},
		},
		{
			// The better score is wrong, so precision is 1/2 throughout.
			"a false alarm before the object",
			[]Object{object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.9, 50, 50, 10, 10), find(0, 0, 0.8, 0, 0, 10, 10)},
			100,
			Scores{MAP: 0.5, MAP50: 0.5, Classes: 1},
		},
		{
			"a false alarm after the last object costs nothing",
			[]Object{object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10), find(1, 0, 0.8, 0, 0, 10, 10)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 1},
		},
		{
			// The second box on one object is wrong: recall 1/2 at precision 1, then 2/3.
			"the same object found twice",
			[]Object{object(0, 0, 0, 0, 10), object(0, 0, 50, 50, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10), find(0, 0, 0.8, 0, 0, 10, 10), find(0, 0, 0.7, 50, 50, 10, 10)},
			100,
			Scores{MAP: (51 + 50*2./3) / 101, MAP50: (51 + 50*2./3) / 101, Classes: 1},
		},
		{
			"in a crowd nothing is right or wrong",
			[]Object{object(0, 0, 0, 0, 10), crowd(0, 0, 40, 40, 50)},
			[]Found{find(0, 0, 0.99, 45, 45, 5, 5), find(0, 0, 0.98, 60, 60, 5, 5), find(0, 0, 0.5, 0, 0, 10, 10)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 1},
		},
		{
			"an object within a crowd is found first",
			[]Object{crowd(0, 0, 0, 0, 100), object(0, 0, 10, 10, 10)},
			[]Found{find(0, 0, 0.9, 10, 10, 10, 10)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 1},
		},
		{
			"a class of crowds alone does not count",
			[]Object{crowd(0, 1, 0, 0, 10), object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.9, 0, 0, 10, 10)},
			100,
			Scores{MAP: 1, MAP50: 1, Classes: 1},
		},
		{
			"the best few of a picture count",
			[]Object{object(0, 0, 0, 0, 10)},
			[]Found{find(0, 0, 0.8, 0, 0, 10, 10), find(0, 0, 0.9, 50, 50, 10, 10)},
			1,
			Scores{Classes: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := MAP(test.truth, test.found, test.most)
			close := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9 })
			if diff := cmp.Diff(test.want, got, close); diff != "" {
				t.Errorf("scores (-want +got)\n%s", diff)
			}
			slices.Reverse(test.truth)
			slices.Reverse(test.found)
			if again := MAP(test.truth, test.found, test.most); !cmp.Equal(got, again, close) {
				t.Errorf("in another order %+v, in the first %+v", again, got)
			}
		})
	}
}

func TestCategoriesBecomeClassesByRank(t *testing.T) {
	folder := t.TempDir()
	write := func(annotation string) {
		t.Helper()
		text := `{"images":[{"id":139,"file_name":"139.jpg"}],
			"categories":[{"id":90,"name":"toothbrush"},{"id":1,"name":"person"},{"id":13,"name":"stop sign"}],
			"annotations":[` + annotation + `]}`
		if err := os.WriteFile(filepath.Join(folder, "annotations.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"image_id":139,"category_id":13,"bbox":[1,2,30,40],"iscrowd":1}`)
	set, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := Set{
		Pictures: []string{filepath.Join(folder, "images", "139.jpg")},
		Objects:  []Object{{Class: 1, Box: functions.Box{X1: 1, Y1: 2, X2: 31, Y2: 42}, Crowd: true}},
		Classes:  []string{"person", "stop sign", "toothbrush"},
	}
	if diff := cmp.Diff(want, set); diff != "" {
		t.Errorf("set (-want +got)\n%s", diff)
	}
	for _, bad := range []string{
		`{"image_id":140,"category_id":13,"bbox":[1,2,30,40]}`,
		`{"image_id":139,"category_id":12,"bbox":[1,2,30,40]}`,
		`{"image_id":"139"}`,
	} {
		write(bad)
		if _, err := Load(folder); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// blind is a network that finds the same box in every picture.
type blind []float32

func (b blind) Run(_ context.Context, _ []detector.Tensor, read func([]detector.Tensor) error) error {
	return read([]detector.Tensor{{Shape: []int64{1, int64(len(b) / 6), 6}, Data: b}})
}

func TestMeasureScoresWhatIsFoundInEveryPicture(t *testing.T) {
	folder := t.TempDir()
	data, err := json.Marshal(map[string]any{
		"images":     []any{map[string]any{"id": 1, "file_name": "a.gif"}, map[string]any{"id": 2, "file_name": "a.gif"}},
		"categories": []any{map[string]any{"id": 1, "name": "dot"}},
		"annotations": []any{
			map[string]any{"image_id": 1, "category_id": 1, "bbox": []int{0, 0, 1, 1}},
			map[string]any{"image_id": 2, "category_id": 1, "bbox": []int{0, 0, 1, 1}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	// The smallest GIF: one pixel.
	gif := "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	if err := os.Mkdir(filepath.Join(folder, "images"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"annotations.json": data, "images/a.gif": []byte(gif)} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	d, err := detector.New(detector.Options{
		Family: functions.FamilyYOLOE2E, InputSize: 32, Thresholds: Thresholds(0.7),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Measure(t.Context(), d, blind{0, 0, 32, 32, 0.002, 0}, set)
	if want := (Scores{MAP: 1, MAP50: 1, Classes: 1}); err != nil || math.Abs(got.MAP-want.MAP) > 1e-9 || got.Classes != 1 {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	set.Pictures[1] += ".missing"
	if _, err := Measure(t.Context(), d, blind{}, set); err == nil {
		t.Error("a missing picture is passed over")
	}
}
