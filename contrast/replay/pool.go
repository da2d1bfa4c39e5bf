package replay

import (
	"math"
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
	one.Pace, one.Together, one.Computes, one.FailedStarts, one.Work = nil, nil, 0, 0, 0
	one.Phases = map[string][]time.Duration{}
	var paces, together []simulate.Pace
	for _, m := range all {
		m = atSpeed(m, speed.Seconds()/median(m.Service).Seconds())
		one.Service, one.Load = append(one.Service, m.Service...), append(one.Load, m.Load...)
		one.Pull, one.Rested = append(one.Pull, m.Pull...), append(one.Rested, m.Rested...)
		one.Warmup = append(one.Warmup, m.Warmup...)
		for name, times := range m.Phases {
			one.Phases[name] = append(one.Phases[name], times...)
		}
		paces, together = append(paces, m.Pace), append(together, m.Together)
		one.Work += m.Work / time.Duration(len(all))
		one.Computes += m.Computes / float64(len(all))
		one.FailedStarts += m.FailedStarts / float64(len(all))
		one.Instance.Memory = max(one.Instance.Memory, m.Instance.Memory)
	}
	one.Pace, one.Together = average(paces), average(together)
	return one
}

// atSpeed is m as it would be on a machine that takes so many times as long for what it
// computes. Of starts that which computes changes with it, the rest does not.
func atSpeed(m simulate.Measured, factor float64) simulate.Measured {
	if !(factor > 0) || math.IsInf(factor, 0) {
		return m
	}
	m.Service, m.Rested, m.Warmup = times(m.Service, factor), times(m.Rested, factor), times(m.Warmup, factor)
	m.Load = times(m.Load, 1+m.Computes*(factor-1))
	m.Work = time.Duration(float64(m.Work) * factor)
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

// Around is all of a style's measurements as one, at the speed that the machine had during
// the replay and in what was measured right before it and right after. It is told by CPU
// time: what the instances had of it, over what as many requests and starts take by all
// measurements. How long anybody waited is not looked at, for that is what a simulation is
// asked. Where CPU time is not known it is the speed of what was measured beside.
func (o Outcome) Around(all simulate.Measured, beside ...simulate.Measured) simulate.Measured {
	took, known := o.computed()
	if !known || all.Work <= 0 {
		return atSpeed(all, median(services(beside)).Seconds()/median(all.Service).Seconds())
	}
	start := time.Duration(all.Computes * float64(median(all.Load)))
	expected := time.Duration(o.answered())*all.Work + time.Duration(o.Used.Starts)*start
	for _, m := range beside {
		took += time.Duration(len(m.Service)) * m.Work
		expected += time.Duration(len(m.Service)) * all.Work
	}
	return atSpeed(all, took.Seconds()/expected.Seconds())
}

// answered is how many requests were answered before the plan was over.
func (o Outcome) answered() (n int) {
	for _, q := range o.Requests {
		if q.Kind == "" && q.At+q.Late+q.Latency <= o.Plan.For {
			n++
		}
	}
	return n
}

// computed is the CPU time that the instances had, as far as it was looked at.
func (o Outcome) computed() (sum time.Duration, known bool) {
	for n, s := range o.Samples {
		if s.CPU < 0 {
			return 0, false
		}
		if n > 0 {
			sum += time.Duration(s.CPU * float64(s.At-o.Samples[n-1].At))
		}
	}
	return sum, len(o.Samples) > 1
}
