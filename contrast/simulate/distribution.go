package simulate

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"
)

// Distribution is how long something takes, never less than nothing. It draws one random
// number at each call, so that one run's draws stay comparable with another's. The zero
// Distribution is none at all: a run without one is refused, or goes without what it
// would be for.
type Distribution struct{ samples []time.Duration }

// Always is d.
func Always(d time.Duration) Distribution { return Samples([]time.Duration{d}) }

// quantiles is how many values a continuous distribution is drawn as. They are as likely
// as one another, so nothing has to be computed at a draw.
const quantiles = 4096

// LogNormal has the given median; sigma is the standard deviation of the logarithm.
// Measured start and service times are about so: 0.1 is a steady machine, 0.5 one with a
// long tail. It is drawn as 4,096 quantiles, so nothing is beyond 3.7 sigma, which one
// draw in 4,600 would be.
func LogNormal(median time.Duration, sigma float64) Distribution {
	all := make([]time.Duration, quantiles)
	for n := range all {
		share := (float64(n) + 0.5) / quantiles
		normal := math.Sqrt2 * math.Erfinv(2*share-1)
		all[n] = time.Duration(float64(max(median, 0)) * math.Exp(math.Abs(sigma)*normal))
	}
	return Distribution{all}
}

// Samples draws one of the samples, each as likely as another; one below zero is zero.
func Samples(samples []time.Duration) Distribution {
	all := slices.Clone(samples)
	for n := range all {
		all[n] = max(0, all[n])
	}
	return Distribution{all}
}

// IsZero says that d is no distribution.
func (d Distribution) IsZero() bool { return len(d.samples) == 0 }

// Least is the shortest time that is ever drawn.
func (d Distribution) Least() time.Duration {
	if d.IsZero() {
		return 0
	}
	return slices.Min(d.samples)
}

// Times is d with all its times multiplied.
func (d Distribution) Times(factor float64) Distribution {
	all := slices.Clone(d.samples)
	for n, sample := range all {
		all[n] = time.Duration(float64(sample) * max(0, factor))
	}
	return Distribution{all}
}

func (d *Distribution) draw(r *rand.PCG) time.Duration {
	at, _ := bits.Mul64(r.Uint64(), uint64(len(d.samples)))
	return d.samples[at]
}
