package detector

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// survivors is greedy class-wise NMS as papers define it, on a set: take the best
// box left, strike out every box of its class that overlaps it by more than iou,
// until none is left.
func survivors(boxes []box, iou float32) []box {
	left := slices.Clone(boxes)
	var kept []box
	for len(left) > 0 {
		best := 0
		for i, b := range left {
			if b.score > left[best].score || b.score == left[best].score && b.place < left[best].place {
				best = i
			}
		}
		chosen := left[best]
		kept = append(kept, chosen)
		left = slices.Delete(left, best, best+1)
		left = slices.DeleteFunc(left, func(b box) bool {
			return b.class == chosen.class && b.IoU(chosen.Box) > iou
		})
	}
	return kept
}

func TestNMSKeepsWhatItsDefinitionKeeps(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 300 {
		s := new(scratch)
		for range random.IntN(60) {
			x, y := random.Float32()*100, random.Float32()*100
			s.add(box{
				Box: functions.Box{X1: x, Y1: y, X2: x + 10 + random.Float32()*40, Y2: y + 10 + random.Float32()*40},
				// Few scores, so that many are equal.
				score: float32(1+random.IntN(8)) / 8, class: int32(random.IntN(3)),
			})
		}
		iou := random.Float32()
		want := survivors(s.boxes, iou)
		sortBest(s.boxes)
		got := suppress(slices.Clone(s.boxes), iou, 1000)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(box{})); diff != "" {
			t.Fatalf("round %d, IoU %v (-want +got)\n%s", round, iou, diff)
		}
		most := random.IntN(10)
		fewer := suppress(s.boxes, iou, most)
		if diff := cmp.Diff(want[:min(most, len(want))], fewer, cmp.AllowUnexported(box{})); diff != "" && most > 0 && len(want) > 0 {
			t.Fatalf("round %d, at most %d (-want +got)\n%s", round, most, diff)
		}
	}
}

func TestNMSKeepsTouchingBoxesAndOtherClasses(t *testing.T) {
	at := func(x float32, class int32) box {
		return box{Box: functions.Box{X1: x, X2: x + 10, Y2: 10}, class: class}
	}
	// The same box of another class stays; a box with no overlap stays even at 0.
	boxes := []box{at(0, 0), at(0, 1), at(10, 0), at(0, 0)}
	if got := suppress(boxes, 0, 9); len(got) != 3 {
		t.Errorf("%d boxes are left, want 3: %v", len(got), got)
	}
}
