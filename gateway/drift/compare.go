package drift

import (
	"cmp"
	"math"
	"slices"
)

// A signal has drifted where its statistic reaches the function's threshold, and
// reaches what chance alone would at most once in a thousand comparisons: with few
// pictures a threshold by itself would be reached all the time.
const (
	// chance is how often pictures like the reference may look drifted.
	chance = 0.001
	// chanceDeviations is the 1-chance quantile of the normal distribution.
	chanceDeviations = 3.0902
)

// ks is the distance of Kolmogorov and Smirnov between two histograms: the largest
// difference of their cumulative shares, 0 to 1. Of binned values it is at most that of
// the values themselves.
func ks(a, b []uint32) float64 {
	n, m := total(a), total(b)
	if n == 0 || m == 0 {
		return 0
	}
	var most, below, beneath float64
	for i := range a {
		below += float64(a[i]) / n
		beneath += float64(b[i]) / m
		most = max(most, math.Abs(below-beneath))
	}
	return min(most, 1)
}

// ksByChance is the distance that two samples of n and m values of one distribution
// reach by chance: sqrt(-ln(chance/2)/2) * sqrt((n+m)/(n*m)).
// Source: N. Smirnov, Table for Estimating the Goodness of Fit of Empirical
// Distributions, Annals of Mathematical Statistics 19 (1948).
func ksByChance(n, m float64) float64 {
	return math.Sqrt(-math.Log(chance/2) / 2 * (n + m) / (n * m))
}

// psi is the population stability index between two histograms: the sum over bins of
// (q-p)*ln(q/p), where p and q are the bin's shares; and over how many bins. One that is
// empty on both sides says nothing; to the others half a count is added, so that one
// that is empty on one side is no infinity.
//
// Below 0.1 it is conventionally called stable, and from 0.2 a significant change.
// Source: E. M. Lewis, An Introduction to Credit Scoring (1994); N. Siddiqi, Credit
// Risk Scorecards (2006).
func psi(a, b []uint32) (index float64, bins int) {
	for i := range a {
		if a[i] > 0 || b[i] > 0 {
			bins++
		}
	}
	const half = 0.5
	n, m := total(a)+half*float64(bins), total(b)+half*float64(bins)
	for i := range a {
		if a[i] > 0 || b[i] > 0 {
			index += stability((float64(a[i])+half)/n, (float64(b[i])+half)/m)
		}
	}
	return index, bins
}

// stability is one bin's part of the index.
func stability(p, q float64) float64 { return (q - p) * math.Log(q/p) }

// psiByChance is the index that two samples of n and m values of one distribution over
// so many bins reach by chance: (1/n+1/m) times the quantile of chi-square with bins-1
// degrees of freedom, by the cubic approximation.
// Source: B. Yurdakul and J. Naranjo, Statistical properties of the population
// stability index, Journal of Risk Model Validation 14(4) (2020); E. B. Wilson and
// M. M. Hilferty, The Distribution of Chi-Square, PNAS 17 (1931).
func psiByChance(n, m float64, bins int) float64 {
	if bins < 2 {
		return 0
	}
	k := float64(bins - 1)
	part := 2 / (9 * k)
	return (1/n + 1/m) * k * math.Pow(1-part+chanceDeviations*math.Sqrt(part), 3)
}

func total(counts []uint32) (n float64) {
	for _, count := range counts {
		n += float64(count)
	}
	return n
}

// mostMixed is how many classes the mix is told apart by; the rest are one. More would
// need more pictures before a difference means anything.
const mostMixed = 10

// mix is the classes of two profiles by bins: those the reference has most of, each,
// and in the last bin all the others, a class that is new among them. place is each
// bin's class, others for the last.
func mix(reference, recent *profile) (a, b []uint32, place []int) {
	for c := 1; c < len(reference.classes); c++ {
		if reference.classes[c] > 0 {
			place = append(place, c)
		}
	}
	slices.SortStableFunc(place, func(c, d int) int { return cmp.Compare(reference.classes[d], reference.classes[c]) })
	place = place[:min(len(place), mostMixed)]
	var restA, restB uint32
	for c := range reference.classes {
		if !slices.Contains(place, c) {
			restA += reference.classes[c]
			restB += recent.classes[c]
		}
	}
	for _, c := range place {
		a, b = append(a, reference.classes[c]), append(b, recent.classes[c])
	}
	return append(a, restA), append(b, restB), append(place, others)
}

// moved is the bin that contributes most to the index, and its shares.
func moved(a, b []uint32) (bin int, before, after float64) {
	n, m := total(a), total(b)
	if n == 0 || m == 0 {
		return 0, 0, 0
	}
	most := -1.
	for i := range a {
		p, q := float64(a[i])/n, float64(b[i])/m
		if part := stability(p+0.5/n, q+0.5/m); part > most {
			bin, before, after, most = i, p, q, part
		}
	}
	return bin, before, after
}
