package watch

import "math"

// visible is how many requests Knative's autoscaler is to see while wanted pods are
// wanted, each taking capacity at a time: the most that do not make it want more pods,
// and at least as many as make it want so many. counted is its portion of requests for
// each pod, see countedOf; 0 where it counts something else.
//
// It wants ceil(seen/counted) pods. With Knative's own utilisation of 70 % a portion is
// no whole number, and some numbers of pods cannot be asked for: then the next is.
func visible(wanted, capacity int, counted float64) int {
	const rounding = 1e-9
	switch {
	case wanted <= 0:
		return 0
	case counted <= 0:
		return wanted * capacity
	}
	most := int(math.Floor(float64(wanted)*counted + rounding))
	least := int(math.Floor(float64(wanted-1)*counted+rounding)) + 1
	return min(max(most, least), wanted*capacity)
}

// overflow is how many requests may go past the ready pods, to the activator: what the
// autoscaler is to see, without what it sees in the pods when they are full.
func overflow(wanted, ready, capacity int, counted float64) int {
	if wanted <= ready {
		return 0
	}
	return max(0, visible(wanted, capacity, counted)-ready*capacity)
}
