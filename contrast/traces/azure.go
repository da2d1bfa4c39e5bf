package traces

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Azure is a population of functions like Azure's in July 2019, after the figures of
// Shahrad et al., "Serverless in the Wild", USENIX ATC 2020. What is from there:
//
//   - Rates (fig. 5a): 45 % of applications have one request an hour or less, 81 % one
//     a minute or less; they span over eight orders of magnitude. The 18.6 % with one a
//     minute or more have 99.6 % of all requests (fig. 5b).
//   - Classes of inter-arrival times (section 3.3, fig. 6): of 40 % the coefficient of
//     variation is above 1; the timers' is 0, and 95 % of timers fire at most once a
//     minute (section 3.2).
//   - Load over the day (fig. 4): half of the peak is always there, the other half
//     comes and goes.
//   - Execution times (fig. 7): averages log-normal with log mean -0.38 and sigma 2.36,
//     in seconds. Memory (fig. 8): Burr with c 11.652, k 0.221, lambda 107.083, in MB.
//
// What is not in its text, and chosen here: between those points rates are
// log-uniform; 2.6 % have one a second or more (counted in the same trace by others),
// and the highest tenth of a percent lies between 10^6 and 10^8 a day, which is what
// makes the 99.6 % come out. Timers are 20 % of functions (the share with a coefficient
// near 0 in fig. 6); the rest without bursts are Poisson processes; a burst's
// coefficient of variation is log-uniform from 1 to 10, as wide as the figure. Rate,
// class and time are independent of one another but for the timers' bound.
type Azure struct {
	Functions int
	For       time.Duration
	Seed      uint64
}

// Class is how regular a function's arrivals are.
type Class string

// The classes.
const (
	Timer   Class = "timer"  // a schedule: the coefficient of variation is about 0
	Steady  Class = "steady" // a Poisson process: 1
	Bursty  Class = "bursty" // more than 1
	perDay        = 1.0 / 86400
	classes       = 3 // random streams of a function, so that one more draw changes no other
)

// AzureFunction is one of the population.
type AzureFunction struct {
	Name  string
	Class Class
	// Rate is the average, in requests a second.
	Rate float64
	// Variation is the coefficient of variation of the inter-arrival times, the day's
	// course not counted.
	Variation float64
	// Execution is the average execution time, Memory the average memory in bytes.
	Execution time.Duration
	Memory    int64

	length time.Duration
	seed   uint64
	number uint64
}

// Function is number n of the population, from 0. The first n functions of a larger
// population are those of a smaller one.
func (a Azure) Function(n int) AzureFunction {
	r := rand.New(rand.NewPCG(a.Seed, uint64(n)*classes))
	rate, kind, variation := r.Float64(), r.Float64(), r.Float64()
	execution, memory := normal(r), r.Float64()
	f := AzureFunction{
		Name:      fmt.Sprintf("azure-%05d", n),
		Class:     Steady,
		Rate:      azureRate(rate) * perDay,
		Variation: 1,
		Execution: time.Duration(math.Exp(-0.38+2.36*execution) * float64(time.Second)),
		Memory:    int64(107.083e6 * math.Pow(math.Pow(1-memory, -1/0.221)-1, 1/11.652)),
		length:    a.For, seed: a.Seed, number: uint64(n),
	}
	switch {
	case kind < 0.2 && (f.Rate <= 1.0/60 || kind < 0.2*0.05):
		f.Class, f.Variation = Timer, 0
		f.Rate = 1 / period(1/f.Rate).Seconds()
	case kind >= 0.6:
		f.Class, f.Variation = Bursty, math.Pow(10, variation)
	}
	return f
}

// azureRate is the inverse of the distribution of rates, in requests a day.
func azureRate(quantile float64) float64 {
	points := [...]struct{ quantile, log float64 }{
		{0, math.Log10(1.0 / 14)}, // once in the fortnight observed
		{0.45, math.Log10(24)},
		{0.81, math.Log10(24 * 60)},
		{0.814, math.Log10(24 * 60)},
		{0.974, math.Log10(86400)},
		{0.999, 6},
		{1, 8},
	}
	for i := 1; ; i++ {
		a, b := points[i-1], points[i]
		if quantile <= b.quantile {
			return math.Pow(10, a.log+(b.log-a.log)*(quantile-a.quantile)/(b.quantile-a.quantile))
		}
	}
}

// period is the schedule nearest to a number of seconds, as people write them.
func period(seconds float64) time.Duration {
	schedules := [...]time.Duration{
		time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 30 * time.Minute, time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
	}
	best := schedules[0]
	for _, s := range schedules {
		if math.Abs(math.Log(s.Seconds()/seconds)) < math.Abs(math.Log(best.Seconds()/seconds)) {
			best = s
		}
	}
	return best
}

// normal is of mean 0 and deviation 1, from two draws always (Box and Muller).
func normal(r *rand.Rand) float64 {
	return math.Sqrt(-2*math.Log(1-r.Float64())) * math.Cos(2*math.Pi*r.Float64())
}
