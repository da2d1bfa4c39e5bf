package report

import (
	"math"
	"slices"
)

// scale maps values to places on an axis.
type scale struct {
	from, to float64 // values
	at, end  float64 // places
	log      bool
}

func (s scale) place(v float64) float64 {
	from, to := s.from, s.to
	if s.log {
		v, from, to = math.Log(math.Max(v, 1e-300)), math.Log(from), math.Log(to)
	}
	if to == from {
		return s.at
	}
	share := math.Min(1, math.Max(0, (v-from)/(to-from)))
	return s.at + share*(s.end-s.at)
}

// decades is a logarithmic scale from a power of ten to another, around values above 0.
func decades(least, most, at, end float64) scale {
	from := math.Floor(math.Log10(least) + 1e-9)
	to := math.Max(from+1, math.Ceil(math.Log10(most)-1e-9))
	return scale{math.Pow(10, from), math.Pow(10, to), at, end, true}
}

// ticks are the powers of ten of a logarithmic scale, every second or third where they
// are many; of a linear one about four round numbers.
func (s scale) ticks() []float64 {
	var all []float64
	if s.log {
		from, to := math.Round(math.Log10(s.from)), math.Round(math.Log10(s.to))
		step := math.Ceil((to - from) / 5)
		for e := from; e <= to; e += step {
			all = append(all, math.Pow(10, e))
		}
		return all
	}
	step := roundStep((s.to - s.from) / 3)
	for v := math.Ceil(s.from/step) * step; v <= s.to*(1+1e-9); v += step {
		all = append(all, v)
	}
	return all
}

// roundStep is the 1, 2 or 5 times a power of ten at or below a step.
func roundStep(step float64) float64 {
	if !(step > 0) {
		return 1
	}
	ten := math.Pow(10, math.Floor(math.Log10(step)))
	for _, times := range []float64{5, 2} {
		if times*ten <= step {
			return times * ten
		}
	}
	return ten
}

// upTo is a linear scale from 0 to something round above most.
func upTo(most, at, end float64) scale {
	if !(most > 0) {
		most = 1
	}
	step := roundStep(most / 3)
	return scale{from: 0, to: math.Ceil(most/step-1e-9) * step, at: at, end: end}
}

func sortByHeight(all []endLabel) {
	slices.SortStableFunc(all, func(a, b endLabel) int {
		switch {
		case a.y < b.y:
			return -1
		case a.y > b.y:
			return 1
		}
		return 0
	})
}

// thinned leaves out points that nobody would see: those within half a pixel of the
// last one kept, the last one of all excepted.
func thinned(points []point) []point {
	var kept []point
	for i, p := range points {
		if n := len(kept); n == 0 || i == len(points)-1 ||
			math.Abs(p[0]-kept[n-1][0]) > 0.5 || math.Abs(p[1]-kept[n-1][1]) > 0.5 {
			kept = append(kept, p)
		}
	}
	return kept
}
