package replay

import (
	"maps"
	"slices"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// Pooled is two measurements of the same function as one, the later with the earlier's
// name, time and machine. The pace is the average of both, and so are shares.
func Pooled(a, b simulate.Measured) simulate.Measured {
	a.Service, a.Load, a.Pull = slices.Concat(a.Service, b.Service), slices.Concat(a.Load, b.Load), slices.Concat(a.Pull, b.Pull)
	a.Pace, a.Together = average(a.Pace, b.Pace), average(a.Together, b.Together)
	phases := map[string][]time.Duration{}
	for name := range maps.Keys(b.Phases) {
		phases[name] = slices.Concat(a.Phases[name], b.Phases[name])
	}
	a.Phases = phases
	a.Rested = slices.Concat(a.Rested, b.Rested)
	a.Computes = (a.Computes + b.Computes) / 2
	a.FailedStarts = (a.FailedStarts + b.FailedStarts) / 2
	a.Instance.Memory = max(a.Instance.Memory, b.Instance.Memory)
	return a
}

// average is as long as the shorter of two.
func average(a, b simulate.Pace) simulate.Pace {
	var both simulate.Pace
	for n := range min(len(a), len(b)) {
		both = append(both, (a[n]+b[n])/2)
	}
	return both
}
