package scaling

import (
	"math"
	"time"
)

// mean is a running estimate: the plain average of the first samples, then one in
// which each new sample has the weight 1/samples.
type mean struct {
	samples float64 // until which every sample weighs the same
	n       float64
	value   float64 // seconds
}

func (m *mean) add(d time.Duration) {
	m.n = min(m.n+1, m.samples)
	m.value += (d.Seconds() - m.value) / m.n
}

func (m *mean) known() bool { return m.n > 0 }

// Arrivals are counted over the last minute, and in two halves of a shorter time.
const (
	rateWindow = 60 // seconds
	rateHalf   = 2  // seconds
)

// arrivals counts requests by the second.
type arrivals struct {
	since time.Time
	bins  [64]struct {
		second int64
		count  float64
	}
}

func (a *arrivals) add(now time.Time) {
	bin := &a.bins[uint64(now.Unix())%uint64(len(a.bins))]
	if bin.second != now.Unix() {
		bin.second, bin.count = now.Unix(), 0
	}
	bin.count++
}

// rate is how many requests arrive in a second: over the last minute, or over the
// last four seconds where those saw more than chance explains (three standard
// deviations of a Poisson process above the minute's rate). Of their two halves the
// lesser counts twice: a crowd that stays is seen in four seconds, one that comes at
// once and is over orders nothing (if it is large, the backlog does), nor does the
// noise of a steady stream.
func (a *arrivals) rate(now time.Time) float64 {
	second := now.Unix()
	var minute, newer, older float64
	for _, bin := range a.bins {
		switch age := second - bin.second; {
		case age < 0 || age > rateWindow:
			continue
		case age <= rateHalf:
			newer += bin.count
		case age <= 2*rateHalf:
			older += bin.count
		}
		minute += bin.count
	}
	// The current second is not over, and a young function has seen no minute yet.
	covered := rateWindow + now.Sub(time.Unix(second, 0)).Seconds()
	covered = max(min(covered, now.Sub(a.since).Seconds()), rateHalf)
	rate := minute / covered
	expected := rate * 2 * rateHalf
	if lately := 2 * min(newer, older); lately > expected+3*math.Sqrt(max(expected, 1)) {
		rate = max(rate, lately/(2*rateHalf))
	}
	return rate
}
