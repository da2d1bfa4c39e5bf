package accuracy

import (
	"cmp"
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// match judges the detections of one class in one picture. From the best score
// down, each takes the free object it overlaps most, by the threshold or more;
// only one that finds no object may lie in a crowd.
func match(objects []Object, found []Found, most int) []verdict {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b Found) int { return cmp.Compare(b.Score, a.Score) })
	found = found[:min(most, len(found))]
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b Object) int { return cmp.Compare(crowds(a), crowds(b)) })

	overlaps := make([][]float64, len(found))
	for i, f := range found {
		overlaps[i] = make([]float64, len(objects))
		for j, o := range objects {
			overlaps[i][j] = overlap(f.Box, o)
		}
	}
	verdicts := make([]verdict, len(found))
	for t := range thresholds {
		taken := make([]bool, len(objects))
		for i, f := range found {
			verdicts[i].score = f.Score
			best, with := threshold(t), -1
			for j, o := range objects {
				if taken[j] && !o.Crowd {
					continue
				}
				if with >= 0 && !objects[with].Crowd && o.Crowd {
					break // it has an object of its own
				}
				if overlaps[i][j] >= best {
					best, with = overlaps[i][j], j
				}
			}
			if with >= 0 {
				taken[with] = true
				verdicts[i].correct[t] = !objects[with].Crowd
				verdicts[i].ignored[t] = objects[with].Crowd
			}
		}
	}
	return verdicts
}

func crowds(o Object) int {
	if o.Crowd {
		return 1
	}
	return 0
}

// overlap is the intersection over the union; over the detection alone where the
// object is a crowd, for a crowd is never covered by one box.
func overlap(b functions.Box, o Object) float64 {
	area := func(b functions.Box) float64 {
		return max(0, float64(b.X2)-float64(b.X1)) * max(0, float64(b.Y2)-float64(b.Y1))
	}
	common := area(functions.Box{
		X1: max(b.X1, o.Box.X1), Y1: max(b.Y1, o.Box.Y1),
		X2: min(b.X2, o.Box.X2), Y2: min(b.Y2, o.Box.Y2),
	})
	whole := area(b)
	if !o.Crowd {
		whole += area(o.Box) - common
	}
	if whole <= 0 {
		return 0
	}
	return common / whole
}
