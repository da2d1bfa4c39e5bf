// Package explain says which pixels a detection rests on, of any detector, by asking
// it about the picture with parts of it covered: D-RISE.
//
// It receives a picture, one of its detections and a [Detector]; it hands on a map of
// saliency ([Map]), what shows whether the map is right ([Curves]), and the map as a
// picture ([Explanation.Paint]). It knows no model: boxes, classes and scores are all it
// looks at. It refuses a detection that the detector does not make of the picture, for
// then there is nothing to explain.
//
// Source: V. Petsiuk, R. Jain, V. Manjunatha, V. I. Morariu, A. Mehra, V. Ordonez,
// K. Saenko, Black-box Explanation of Object Detectors via Saliency Maps, CVPR 2021
// (arXiv:2006.03204).
package explain

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/seed45885407/saccade/functions"
)

// Detector asks about a picture, with a lowest score that is low. The picture is the
// detector's until it returns. It is called from several goroutines at a time.
type Detector func(ctx context.Context, picture *image.RGBA) ([]functions.Detection, error)

// Options of an explanation; zero means the default.
type Options struct {
	// Masks is how many covered pictures are asked about: more are less noise. Default
	// 1000; the paper has 5000.
	Masks int
	// Grid is the number of cells of a mask along each side. Default: by the size of the
	// box, from 6 for one that fills the picture to the paper's 16; a cell should cover
	// a part of the object that can be missed, and neither all of it nor a speck.
	Grid int
	// Keep is the share of cells that stay visible, between 0 and 1. Default 0.5.
	Keep float64
	// Seed chooses the masks: the same seed, picture and detector make the same map.
	Seed uint64
	// Parallel is how many pictures are asked about at a time. Default 8.
	Parallel int
	// Steps is into how many parts the picture is divided to see whether the map is
	// right. Default 10.
	Steps int
	// Progress, where set, is told how many pictures of all have been answered, in order.
	Progress func(done, all int)
}

func (o Options) withDefaults(target functions.Box, size image.Point) (Options, error) {
	for _, field := range []struct {
		value             *int
		byDefault, lo, hi int
		name              string
	}{
		{&o.Masks, 1000, 10, 100_000, "masks"},
		{&o.Grid, gridFor(target, size), 2, 64, "cells a side"},
		{&o.Parallel, 8, 1, 256, "pictures at a time"},
		{&o.Steps, 10, 2, 100, "steps"},
	} {
		if *field.value == 0 {
			*field.value = field.byDefault
		}
		if *field.value < field.lo || *field.value > field.hi {
			return o, fmt.Errorf("%d %s: there are %d to %d", *field.value, field.name, field.lo, field.hi)
		}
	}
	if o.Keep == 0 {
		o.Keep = 0.5
	}
	if !(o.Keep > 0 && o.Keep < 1) {
		return o, fmt.Errorf("%v of a picture kept: it is between 0 and 1", o.Keep)
	}
	return o, nil
}

// gridFor has five cells along the box, were it square, and 6 to 16 along the picture.
func gridFor(b functions.Box, size image.Point) int {
	share := float64(b.Area()) / float64(max(1, size.X*size.Y))
	if !(share > 0) {
		return 16
	}
	return int(min(max(math.Ceil(5/math.Sqrt(share)), 6), 16))
}

// Explanation is why a detector sees what it sees.
type Explanation struct {
	// Target is what is explained, as the detector makes it of the whole picture.
	Target functions.Detection
	// Grid is what the masks had.
	Grid   int
	Map    Map
	Curves Curves
}

// Explain explains target, a detection in the picture, whose corner is at (0, 0).
func Explain(ctx context.Context, picture *image.RGBA, target functions.Detection, ask Detector, o Options) (Explanation, error) {
	o, err := o.withDefaults(target.Box, picture.Rect.Size())
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Target: target, Grid: o.Grid}
	r := newRun(ctx, picture, target, ask, o)

	// the whole picture, and nothing of it
	ends, err := r.similarities(2, func(i int, m *mask) { m.fill(float32(1 - i)) })
	if err != nil {
		return e, err
	}
	if ends[0] == 0 {
		return e, functions.Errorf(functions.Invalid, "the detector does not see the %s that is to be explained", target.Class)
	}

	// masks
	makeMask := func(i int, m *mask) { m.cover(o, uint64(i)) }
	weights, err := r.similarities(o.Masks, makeMask)
	if err != nil {
		return e, err
	}
	e.Map = accumulate(picture.Rect.Size(), weights, makeMask)

	// is it right?
	e.Curves, err = r.curves(e.Map, ends[0], ends[1])
	return e, err
}

// Map is how much each pixel matters, row by row from the top: the mean similarity to
// the target of what the detector saw, over the masks that showed the pixel.
type Map struct {
	Width, Height int
	Values        []float32
}

// accumulate weighs the masks, in their order, so that rounding is always the same.
func accumulate(size image.Point, weights []float64, makeMask func(i int, m *mask)) Map {
	m := newMask(size)
	sum, shown := make([]float64, len(m.values)), make([]float64, len(m.values))
	for i, weight := range weights {
		makeMask(i, m)
		for at, v := range m.values {
			shown[at] += float64(v)
			sum[at] += weight * float64(v)
		}
	}
	out := Map{Width: size.X, Height: size.Y, Values: make([]float32, len(sum))}
	for at := range sum {
		if shown[at] > 0 {
			out.Values[at] = float32(sum[at] / shown[at])
		}
	}
	return out
}

// Inside is the share of the hottest tenth of the pixels that lies in the box, and the
// share of the picture that the box is: what the first would be of a map that knows
// nothing.
func (m Map) Inside(b functions.Box) (hottest, area float64) {
	order := m.order()
	tenth := order[:max(1, len(order)/10)]
	in := 0
	for _, at := range tenth {
		x, y := float32(int(at)%m.Width)+0.5, float32(int(at)/m.Width)+0.5
		if x >= b.X1 && x < b.X2 && y >= b.Y1 && y < b.Y2 {
			in++
		}
	}
	return float64(in) / float64(len(tenth)), float64(b.Area()) / float64(m.Width*m.Height)
}

// similarity is how much of the target is among the detections: the most that one has
// of IoU times score, where the class is the target's.
//
// The paper multiplies IoU, the cosine of the two vectors of class probabilities, and
// objectness. An answer has one class and one score, objectness times the probability
// of the class: with vectors of one value each the cosine is 1 for the same class and 0
// for another, and the score stands for the rest.
func similarity(target functions.Detection, found []functions.Detection) float64 {
	most := 0.
	for _, d := range found {
		if d.ClassID == target.ClassID && d.Class == target.Class {
			most = max(most, float64(target.Box.IoU(d.Box))*float64(d.Score))
		}
	}
	if math.IsNaN(most) {
		return 0
	}
	return most
}

// coarseSide is how many values the longer side of a coarse map has.
const coarseSide = 32

// Coarse is the map for reading: means over squares, at most 32 along the longer side,
// in rows from the top.
func (m Map) Coarse() [][]float32 {
	cell := max(1, (max(m.Width, m.Height)+coarseSide-1)/coarseSide)
	var rows [][]float32
	for y := 0; y < m.Height; y += cell {
		var row []float32
		for x := 0; x < m.Width; x += cell {
			var sum, n float64
			for v := y; v < min(y+cell, m.Height); v++ {
				for u := x; u < min(x+cell, m.Width); u++ {
					sum += float64(m.Values[v*m.Width+u])
					n++
				}
			}
			row = append(row, float32(math.Round(sum/n*1e6)/1e6))
		}
		rows = append(rows, row)
	}
	return rows
}
