package explain

import (
	"cmp"
	"slices"
)

// Curves show whether a map is right. Each has the target's similarity, as a share of
// that in the whole picture, after each step; from 0 to all of the pixels.
//
// A map that is right names the pixels without which the detection goes first, and with
// which it comes first: deletion falls sooner and insertion rises sooner than where
// pixels are taken in an order without meaning. Source: V. Petsiuk, A. Das, K. Saenko,
// RISE, BMVC 2018 (arXiv:1806.07421), section 4.3.
type Curves struct {
	// Deletion covers the most salient pixels first, Insertion shows them first.
	Deletion  []float64 `json:"deletion"`
	Insertion []float64 `json:"insertion"`
	// Random covers blobs of pixels in an order without meaning, and is the mean of a
	// few; read from its end it is that of showing them.
	Random []float64 `json:"random"`
}

// blobFields is how many orders without meaning there are.
const blobFields = 4

// Area is the area under a curve, 0 to about 1.
func Area(curve []float64) float64 {
	if len(curve) < 2 {
		return 0
	}
	sum := (curve[0] + curve[len(curve)-1]) / 2
	for _, v := range curve[1 : len(curve)-1] {
		sum += v
	}
	return sum / float64(len(curve)-1)
}

// Explain says that the map does better than chance at both.
func (c Curves) Explain() bool {
	random := Area(c.Random)
	return Area(c.Deletion) < random && Area(c.Insertion) > random
}

// curves asks about the picture step by step. whole and none are the similarities in
// the whole picture and in a black one.
func (r *run) curves(saliency Map, whole, none float64) (Curves, error) {
	steps := r.options.Steps
	orders := [][]int32{saliency.order()}
	field := newMask(r.picture.Rect.Size())
	for i := range blobFields {
		field.blobs(r.options, uint64(i))
		orders = append(orders, Map{field.size.X, field.size.Y, field.values}.order())
	}
	// Deletion, insertion, and deletion in each of the other orders: all but the ends.
	inner := steps - 1
	found, err := r.similarities((2+blobFields)*inner, func(i int, m *mask) {
		which, step := i/inner, i%inner+1
		order := orders[max(0, which-1)]
		first, rest := float32(0), float32(1)
		if which == 1 {
			first, rest = 1, 0
		}
		m.fill(rest)
		for _, at := range order[:len(order)*step/steps] {
			m.values[at] = first
		}
	})
	if err != nil {
		return Curves{}, err
	}
	curve := func(from, to float64, inside []float64) []float64 {
		all := append(append([]float64{from}, inside...), to)
		for i := range all {
			all[i] /= whole
		}
		return all
	}
	c := Curves{
		Deletion:  curve(whole, none, found[:inner]),
		Insertion: curve(none, whole, found[inner:2*inner]),
	}
	random := make([]float64, inner)
	for i, v := range found[2*inner:] {
		random[i%inner] += v / blobFields
	}
	c.Random = curve(whole, none, random)
	return c, nil
}

// order are the pixels, the most salient first; of equal ones the upper left first.
func (m Map) order() []int32 {
	order := make([]int32, len(m.Values))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(m.Values[b], m.Values[a]) })
	return order
}
