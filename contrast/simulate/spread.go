package simulate

import (
	"math/bits"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

const (
	// exactly is how many values are kept as they are.
	exactly = 2048
	// Above that each power of two is cut into 128 equal parts, as HdrHistogram does
	// (hdrhistogram.org), so a value is known to 1/128 of itself.
	partBits = 7
	parts    = 1 << partBits
)

// times collects values: all of them while they are few, then counts of them, in memory
// that does not grow with their number. None is below zero.
type times struct {
	exact []time.Duration
	zeros int64 // most waits
	// octaves[n][part] counts values of n+partBits+1 bits; below 128 ns part is the value.
	octaves [64 - partBits]*[parts]int64
	counted bool // exact has been put into the counts

	count   int64
	sum     float64 // in nanoseconds; exact below 2^53, 104 days
	largest time.Duration
}

func (t *times) add(d time.Duration) {
	t.count++
	if d <= 0 {
		t.zeros++
		return
	}
	t.sum += float64(d)
	t.largest = max(t.largest, d)
	if t.counted {
		t.put(d, 1)
		return
	}
	if t.exact = append(t.exact, d); len(t.exact) == exactly {
		t.settle()
	}
}

// settle turns values into counts.
func (t *times) settle() {
	for _, d := range t.exact {
		t.put(d, 1)
	}
	t.exact, t.counted = nil, true
}

func (t *times) put(d time.Duration, n int64) {
	octave := max(0, bits.Len64(uint64(d))-1-partBits)
	if octave > 0 || d >= parts {
		octave++
	}
	if t.octaves[octave] == nil {
		t.octaves[octave] = new([parts]int64)
	}
	t.octaves[octave][uint64(d)>>max(0, octave-1)&(parts-1)] += n
}

// upTo is the largest value that is counted at a place.
func upTo(octave, part int) time.Duration {
	if octave == 0 {
		return time.Duration(part)
	}
	return time.Duration((parts+part+1)<<(octave-1) - 1)
}

// merge adds what others have collected.
func (t *times) merge(other *times) {
	for _, d := range other.exact {
		t.add(d)
	}
	t.count += other.count - int64(len(other.exact))
	t.zeros += other.zeros
	if !other.counted {
		return
	}
	if !t.counted {
		t.settle()
	}
	t.sum += other.sum
	t.largest = max(t.largest, other.largest)
	for octave, counts := range other.octaves {
		if counts == nil {
			continue
		}
		if t.octaves[octave] == nil {
			t.octaves[octave] = new([parts]int64)
		}
		for part, n := range counts {
			t.octaves[octave][part] += n
		}
	}
}

// bars are the counts in rising order.
func (t *times) bars() []Bar {
	var all []Bar
	add := func(upTo time.Duration, n int64) {
		if last := len(all) - 1; last >= 0 && all[last].UpTo == functions.Seconds(upTo) {
			all[last].Count += n
		} else if n > 0 {
			all = append(all, Bar{functions.Seconds(upTo), n})
		}
	}
	add(0, t.zeros)
	slices.Sort(t.exact)
	for _, d := range t.exact {
		add(d, 1)
	}
	for octave, counts := range t.octaves {
		if counts == nil {
			continue
		}
		for part, n := range counts {
			add(min(upTo(octave, part), t.largest), n)
		}
	}
	return all
}

// spread is what the values come to, with the bars where asked for.
func (t *times) spread(withBars bool) Spread {
	if t.count == 0 {
		return Spread{}
	}
	bars := t.bars()
	// tenths of a percent
	rank := func(tenths int64) functions.Seconds {
		left := max(1, (t.count*tenths+999)/1000)
		for _, bar := range bars {
			if left -= bar.Count; left <= 0 {
				return bar.UpTo
			}
		}
		return functions.Seconds(t.largest)
	}
	s := Spread{
		Mean: functions.Seconds(t.sum / float64(t.count)),
		P50:  rank(500), P90: rank(900), P95: rank(950), P99: rank(990), P999: rank(999),
		Max: functions.Seconds(t.largest),
	}
	if withBars {
		s.Bars = bars
	}
	return s
}

// Joined is several spreads as one of all their values, as near as their bars know them.
func Joined(all ...Spread) Spread {
	var t times
	for _, s := range all {
		for _, bar := range s.Bars {
			for range bar.Count {
				t.add(time.Duration(bar.UpTo))
			}
		}
	}
	return t.spread(true)
}
