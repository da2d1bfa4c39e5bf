package detector

import (
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// corners is what the four numbers of a box are, for the families that leave a
// choice.
type corners functions.Read

// box is the box of four numbers, in pixels of an input of size pixels a side.
func (c corners) box(at []float32, size int) functions.Box {
	a, b, x, y := at[0], at[1], at[2], at[3]
	if c.Unit == functions.UnitShares {
		side := float32(size)
		a, b, x, y = a*side, b*side, x*side, y*side
	}
	switch c.Corners {
	case functions.CornersYXYX:
		return functions.Box{X1: b, Y1: a, X2: y, Y2: x}
	case functions.CornersCXCYWH:
		return centred(a, b, x, y)
	}
	return functions.Box{X1: a, Y1: b, X2: x, Y2: y}
}

// list are the outputs of a network that answers a list of boxes.
type list struct {
	boxes, scores Tensor
	classes       Tensor // fractions or whole numbers
	n             int
}

// listed finds a list's outputs: boxes [n, 4], scores [n] and classes [n], each
// with an axis for the batch or without. Of whole numbers are the classes, where
// any are; else names tell them from scores.
func listed(outputs []Tensor, reads string) (l list, err error) {
	at := boxesAmong(outputs)
	if at < 0 {
		return l, unlike(outputs, reads)
	}
	l.boxes = outputs[at]
	l.n = l.boxes.values() / 4
	for i, t := range outputs {
		if i == at || !t.row(l.n) || t.named("num", "count") {
			continue
		}
		switch {
		case t.Ints != nil || t.named("class", "label"):
			l.classes = t
		case l.scores.Shape == nil:
			l.scores = t
		}
	}
	if l.scores.Shape == nil || l.classes.Shape == nil {
		return l, unlike(outputs, reads)
	}
	return l, nil
}

// boxesAmong is which output is boxes, [1, n, 4] or [n, 4], -1 where none is. Of
// [1, 4], which may as well be four scores, the name tells.
func boxesAmong(outputs []Tensor) int {
	found := -1
	for i, t := range outputs {
		switch {
		case t.Ints != nil:
		case t.fits([]int64{1, some, 4}):
			return i
		case t.fits([]int64{some, 4}) && (found < 0 || t.named("box")):
			found = i
		}
	}
	return found
}

// row says that there is one number a box.
func (t Tensor) row(n int) bool {
	return t.values() == n && (t.fits([]int64{some}) || t.fits([]int64{1, some}))
}

func (t Tensor) named(words ...string) bool {
	name := strings.ToLower(t.Name)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
}

// class is the network's own id of box i.
func (l list) class(i int) (id int32, ok bool) {
	if l.classes.Ints != nil {
		class := l.classes.Ints[i]
		return int32(min(max(class, -1), maxClass)), class >= 0 && class < maxClass
	}
	class := l.classes.Data[i]
	if !(class >= 0 && class < maxClass) { // NaN is neither
		return -1, false
	}
	return int32(class + 0.5), true
}

// take adds the first n boxes of the list.
func (c corners) take(s *scratch, l list, n, size int, minScore float32) {
	for i, score := range l.scores.Data[:n] {
		class, ok := l.class(i)
		if !ok || !(score >= minScore) { // NaN is not
			continue
		}
		s.add(box{Box: c.box(l.boxes.Data[4*i:][:4], size), score: score, class: class})
	}
}
