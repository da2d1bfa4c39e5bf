package scaling

import (
	"math"
	"time"
)

// Of the histogram of idle times: "Serverless in the Wild" (Shahrad et al., USENIX
// ATC 2020), sections 4.2 and 5.
const (
	idleBin  = time.Minute
	idleBins = 240 // four hours
	// fewestIdles is how many idle times make a histogram worth reading.
	fewestIdles = 10
	// worth is how many seconds an instance may be kept without work for each second
	// of a start that a request is spared.
	worth = 40
	// breakEven is the same where the next request cannot be foreseen: an instance is then
	// kept until it comes only if that costs about what starting again would. A start is
	// paid for, too, and the policy that orders one seldom gets by with one.
	breakEven = 4
	// leastVariation is the coefficient of variation of the bins' counts below which
	// the idle times lie everywhere, and so tell nothing.
	leastVariation = 2
	// memoryless is the share of the time after the first minute that is left to wait
	// after the soonest likely request, above which the idle times do not say when. Of a
	// Poisson process, which forgets how long it was idle, it is 0.95 and more; of a time
	// anywhere between four and eight minutes 0.4.
	memoryless = 2.0 / 3
	// mostIdles is how many idle times are remembered before all count half: what a
	// function did last month matters less than what it does now.
	mostIdles = 10_000
)

// idleTimes is the histogram of a function's own idle times: from its last request's
// end to the next one's arrival. Those within the first minute are left out: an
// instance stays that long anyway, and the pauses within a burst of requests say
// nothing about when the next burst comes.
type idleTimes struct {
	counts  [idleBins]uint32
	squares float64 // of the counts, summed
	within  int
	beyond  int // idle times longer than the histogram
}

func (h *idleTimes) add(idle time.Duration) {
	bin := int(idle / idleBin)
	if bin == 0 {
		return
	}
	if h.within+h.beyond >= mostIdles {
		h.halve()
	}
	if bin >= idleBins {
		h.beyond++
		return
	}
	h.put(bin, 1)
}

// put adds count idle times to a bin.
func (h *idleTimes) put(bin int, count uint32) {
	before, more := float64(h.counts[bin]), float64(count)
	h.squares += 2*before*more + more*more
	h.counts[bin] += count
	h.within += int(count)
}

func (h *idleTimes) halve() {
	old := *h
	*h = idleTimes{beyond: old.beyond / 2}
	for bin, count := range old.counts {
		h.put(bin, count/2)
	}
}

// telling reports whether the histogram says when the next request is likely.
func (h *idleTimes) telling() bool {
	if h.within < fewestIdles || h.beyond > h.within {
		return false
	}
	average := float64(h.within) / idleBins
	variance := h.squares/idleBins - average*average
	return math.Sqrt(max(variance, 0)) >= leastVariation*average
}

// expected is when, after a function became idle, its next request is likely: no
// sooner than the 5th percentile's minute begins, no later than the 99th's ends.
func (h *idleTimes) expected() (soonest, latest time.Duration) {
	soonest, latest = -1, -1
	seen := 0.0
	for bin, count := range h.counts {
		seen += float64(count)
		if soonest < 0 && seen >= 0.05*float64(h.within) {
			soonest = time.Duration(bin) * idleBin
		}
		if seen >= 0.99*float64(h.within) {
			return soonest, time.Duration(bin+1) * idleBin
		}
	}
	return 0, idleBins * idleBin
}

// foreseeing reports whether the idle times say when the next request is due, and not
// only how often one comes: whether an instance that is there from the soonest likely one
// on waits much less than one that is there all the time. Bins' variation cannot say
// that: a steady stream of a request every two minutes fills few bins of the 240.
func (h *idleTimes) foreseeing() bool {
	soonest, _ := h.expected()
	const all = idleBins * idleBin
	return h.warm(soonest, all) <= time.Duration(memoryless*float64(h.warm(idleBin, all)))
}

// warm is how long, on average over the idle times, an instance that is there from
// one time to another, or to the next request, has no work.
func (h *idleTimes) warm(from, to time.Duration) time.Duration {
	sum := 0.0
	for bin, count := range h.counts {
		middle := time.Duration(bin)*idleBin + idleBin/2
		sum += float64(count) * max(0, min(middle, to)-from).Seconds()
	}
	return seconds(sum / float64(max(1, h.within)))
}
