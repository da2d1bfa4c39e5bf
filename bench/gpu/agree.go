package main

import (
	"fmt"
	"math"

	"github.com/seed45885407/saccade/functions"
)

// certain is how far above the lowest score a detection must be for the other side to
// have it too: of two that differ by less, one may fall below the threshold.
const certain = 0.25

// agree matches what was found in each picture: every certain detection of one side
// has one of its class on the other that overlaps it by 0.9, with a score within the
// tolerance. worst is the largest difference of scores of matched ones.
func agree(want, got [][]functions.Detection, tolerance float64) (worst float64, err error) {
	for i := range want {
		for _, side := range []struct {
			name   string
			these  []functions.Detection
			others []functions.Detection
		}{{"is found on the CPU alone", want[i], got[i]}, {"is not found on the CPU", got[i], want[i]}} {
			for _, d := range side.these {
				off, matched := nearest(d, side.others)
				if !matched && d.Score >= certain {
					return worst, fmt.Errorf("picture %d: %s of %.2f at %.0f %s", i, d.Class, d.Score, d.Box, side.name)
				}
				if matched {
					worst = max(worst, off)
				}
			}
		}
	}
	if worst > tolerance {
		return worst, fmt.Errorf("scores are %.4f off, and %.2f is allowed", worst, tolerance)
	}
	return worst, nil
}

// nearest is how far the score of the best match is off.
func nearest(d functions.Detection, others []functions.Detection) (off float64, matched bool) {
	const least = 0.9
	best := least
	for _, o := range others {
		if over := overlap(d.Box, o.Box); o.ClassID == d.ClassID && over >= best {
			best, off, matched = over, math.Abs(float64(d.Score)-float64(o.Score)), true
		}
	}
	return off, matched
}

// overlap is intersection over union.
func overlap(a, b functions.Box) float64 {
	area := func(b functions.Box) float64 {
		return max(0, float64(b.X2)-float64(b.X1)) * max(0, float64(b.Y2)-float64(b.Y1))
	}
	both := area(functions.Box{X1: max(a.X1, b.X1), Y1: max(a.Y1, b.Y1), X2: min(a.X2, b.X2), Y2: min(a.Y2, b.Y2)})
	if both == 0 {
		return 0
	}
	return both / (area(a) + area(b) - both)
}
