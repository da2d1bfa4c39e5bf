package replay

import (
	"slices"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// Pooled is several measurements of the same function as one, with the first's name, time
// and machine. A machine is now faster, now slower: each measurement is brought to the
// median speed of all, so that what is pooled is how times vary and not how the machine
// did meanwhile. Paces and shares are averages.
func Pooled(all ...simulate.Measured) simulate.Measured {
	if len(all) == 0 {
		return simulate.Measured{}
	}
	speed := median(services(all))
	one := all[0]
	one.Service, one.Load, one.Pull, one.Rested, one.Warmup = nil, nil, nil, nil, nil
	one.Pace, one.Together, one.Computes, one.FailedStarts = nil, nil, 0, 0
	one.Phases = map[string][]time.Duration{}
	var paces, together []simulate.Pace
	for _, m := range all {
		m = atSpeed(m, speed)
		one.Service, one.Load = append(one.Service, m.Service...), append(one.Load, m.Load...)
		one.Pull, one.Rested = append(one.Pull, m.Pull...), append(one.Rested, m.Rested...)
		one.Warmup = append(one.Warmup, m.Warmup...)
		for name, times := range m.Phases {
			one.Phases[name] = append(one.Phases[name], times...)
		}
		paces, together = append(paces, m.Pace), append(together, m.Together)
		one.Computes += m.Computes / float64(len(all))
		one.FailedStarts += m.FailedStarts / float64(len(all))
		one.Instance.Memory = max(one.Instance.Memory, m.Instance.Memory)
	}
	one.Pace, one.Together = average(paces), average(together)
	return one
}

// atSpeed is m as it would be on a machine on which half of the requests take so long. Of
// starts that which computes changes with it, the rest does not.
func atSpeed(m simulate.Measured, half time.Duration) simulate.Measured {
	own := median(m.Service)
	if own <= 0 || half <= 0 {
		return m
	}
	factor := half.Seconds() / own.Seconds()
	m.Service, m.Rested, m.Warmup = times(m.Service, factor), times(m.Rested, factor), times(m.Warmup, factor)
	m.Load = times(m.Load, 1+m.Computes*(factor-1))
	return m
}

func times(all []time.Duration, factor float64) []time.Duration {
	changed := slices.Clone(all)
	for n := range changed {
		changed[n] = time.Duration(float64(changed[n]) * factor)
	}
	return changed
}

// services are all times of requests.
func services(all []simulate.Measured) (taken []time.Duration) {
	for _, m := range all {
		taken = append(taken, m.Service...)
	}
	return taken
}

// average is as long as the shortest.
func average(all []simulate.Pace) (mean simulate.Pace) {
	for n := 0; ; n++ {
		sum := 0.0
		for _, p := range all {
			if n >= len(p) {
				return mean
			}
			sum += p[n]
		}
		mean = append(mean, sum/float64(len(all)))
	}
}

// Around is all of a style's measurements as one, at the speed that the machine had in
// those right before a replay and right after it.
func Around(all simulate.Measured, beside ...simulate.Measured) simulate.Measured {
	return atSpeed(all, median(services(beside)))
}
