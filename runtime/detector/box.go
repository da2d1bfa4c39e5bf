package detector

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// box is a candidate in pixels of the input square, or of the picture where the
// family is sized.
type box struct {
	functions.Box
	score float32
	class int32
	// place is where in the output it was: the last tie-break, so that one picture
	// has one answer.
	place int32
}

// scratch is the memory of one reading, kept from run to run.
type scratch struct {
	boxes []box
	best  []float32
	class []int32
}

// maxClass bounds class ids, so that a stray number is no class.
const maxClass = 1 << 20

// add appends a candidate, unless it has a number that is not finite.
func (s *scratch) add(b box) {
	// x-x is 0 for every x that is finite, and NaN for the others.
	if b.X1-b.X1+b.Y1-b.Y1+b.X2-b.X2+b.Y2-b.Y2+b.score-b.score != 0 {
		return
	}
	b.score = min(b.score, 1) // a sigmoid may round to a hair over 1
	b.place = int32(len(s.boxes))
	s.boxes = append(s.boxes, b)
}

// renumber makes classes of the network's own ids, in place, and leaves out those
// that mean none.
func (s *scratch) renumber(r functions.Read) {
	if r.ClassIDs == functions.ClassIDsFrom0 {
		return
	}
	kept := s.boxes[:0]
	for _, b := range s.boxes {
		if class, ok := r.ClassOf(int(b.class)); ok {
			b.class = int32(class)
			kept = append(kept, b)
		}
	}
	s.boxes = kept
}

// sortBest sorts by score, best first.
func sortBest(boxes []box) {
	slices.SortFunc(boxes, func(a, b box) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.place, b.place))
	})
}

// answer takes the best boxes back to picture coordinates and names them. A box
// of which nothing lies in the picture is left out.
func (d *Detector) answer(boxes []box, letterbox vision.Letterbox) []functions.Detection {
	found := make([]functions.Detection, 0, min(len(boxes), d.most))
	for _, b := range boxes {
		if len(found) == d.most {
			break
		}
		undone := letterbox.Clip(b.Box)
		if !d.family.Sized {
			undone = letterbox.Undo(b.Box)
		}
		if !(undone.X1 < undone.X2 && undone.Y1 < undone.Y2) {
			continue
		}
		found = append(found, functions.Detection{
			Class: d.label(int(b.class)), ClassID: int(b.class), Score: b.score, Box: undone,
		})
	}
	return found
}

func (d *Detector) label(class int) string {
	if class < len(d.options.Labels) {
		return d.options.Labels[class]
	}
	return fmt.Sprintf("class-%d", class)
}

// centred is the box around a centre.
func centred(cx, cy, w, h float32) functions.Box {
	return functions.Box{X1: cx - w/2, Y1: cy - h/2, X2: cx + w/2, Y2: cy + h/2}
}

// below is the largest score that is less than minScore: where it is the best so
// far, only scores from minScore on are better.
func below(minScore float32) float32 { return math.Nextafter32(minScore, -1) }
