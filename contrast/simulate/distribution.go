package simulate

import (
	"math"
	"math/rand/v2"
	"time"
)

// Distribution draws a duration, never a negative one. It draws from r the same
// number of times at each call, so that one run's draws stay comparable with
// another's.
type Distribution func(r *rand.Rand) time.Duration

// Always is d.
func Always(d time.Duration) Distribution {
	return func(*rand.Rand) time.Duration { return d }
}

// LogNormal has the given median; sigma is the standard deviation of the logarithm.
// Measured start and service times are about so: 0.1 is a steady machine, 0.5 one
// with a long tail.
func LogNormal(median time.Duration, sigma float64) Distribution {
	return func(r *rand.Rand) time.Duration {
		// Box and Muller, of two draws always: NormFloat64 draws as often as it likes.
		normal := math.Sqrt(-2*math.Log(1-r.Float64())) * math.Cos(2*math.Pi*r.Float64())
		return time.Duration(float64(median) * math.Exp(sigma*normal))
	}
}

// Measured draws one of the samples, each as likely as another. There must be one at
// least.
func Measured(samples []time.Duration) Distribution {
	return func(r *rand.Rand) time.Duration {
		return samples[min(int(r.Float64()*float64(len(samples))), len(samples)-1)]
	}
}
