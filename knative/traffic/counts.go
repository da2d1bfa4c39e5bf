package traffic

import "slices"

// Counts are what a gateway has counted of one revision, or the difference of two such.
type Counts struct {
	// OK requests were answered, Failed ones were not by the revision's fault, Refused
	// ones were more than it takes.
	OK, Failed, Refused uint64
	// Warm and Cold are the times of those that were answered; cold ones waited for a
	// start.
	Warm, Cold Histogram
}

// All is the number of requests.
func (c Counts) All() uint64 { return c.OK + c.Failed + c.Refused }

// plus is both together.
func (c Counts) plus(d Counts) Counts {
	return Counts{
		OK: c.OK + d.OK, Failed: c.Failed + d.Failed, Refused: c.Refused + d.Refused,
		Warm: c.Warm.plus(d.Warm), Cold: c.Cold.plus(d.Cold),
	}
}

// since is what came after before, which is no more than c.
func (c Counts) since(before Counts) Counts {
	return Counts{
		OK: c.OK - before.OK, Failed: c.Failed - before.Failed, Refused: c.Refused - before.Refused,
		Warm: c.Warm.since(before.Warm), Cold: c.Cold.since(before.Cold),
	}
}

// reset says that now is not c with more counted: the counter has begun anew.
func (c Counts) reset(now Counts) bool {
	return now.OK < c.OK || now.Failed < c.Failed || now.Refused < c.Refused || now.Warm.reset(c.Warm) || now.Cold.reset(c.Cold)
}

// Histogram is a Prometheus histogram: how many took at most so long.
type Histogram struct {
	// Bounds are in seconds, ascending; the last may be +Inf.
	Bounds []float64
	// Cumulative are the counts at the bounds.
	Cumulative []uint64
}

// Count is how many there are.
func (h Histogram) Count() uint64 {
	if len(h.Cumulative) == 0 {
		return 0
	}
	return h.Cumulative[len(h.Cumulative)-1]
}

func (h Histogram) plus(other Histogram) Histogram {
	return h.with(other, func(a, b uint64) uint64 { return a + b })
}

func (h Histogram) since(before Histogram) Histogram {
	return h.with(before, func(a, b uint64) uint64 { return a - b })
}

// reset says that h is not before with more in it.
func (h Histogram) reset(before Histogram) bool {
	if len(before.Bounds) == 0 {
		return false
	}
	if !slices.Equal(h.Bounds, before.Bounds) {
		return true
	}
	last := uint64(0)
	for i := range h.Cumulative { // each bucket for itself
		if h.Cumulative[i]-before.Cumulative[i] < last || h.Cumulative[i] < before.Cumulative[i] {
			return true
		}
		last = h.Cumulative[i] - before.Cumulative[i]
	}
	return false
}

// with combines histograms of the same bounds; of others (two versions of the gateway)
// the larger stays alone, for they cannot be added.
func (h Histogram) with(other Histogram, op func(a, b uint64) uint64) Histogram {
	if len(other.Bounds) == 0 {
		return h
	}
	if len(h.Bounds) == 0 {
		h = Histogram{Bounds: other.Bounds, Cumulative: make([]uint64, len(other.Bounds))}
	}
	if !slices.Equal(h.Bounds, other.Bounds) {
		if h.Count() >= other.Count() {
			return h
		}
		return other
	}
	both := Histogram{Bounds: h.Bounds, Cumulative: make([]uint64, len(h.Bounds))}
	for i := range both.Cumulative {
		both.Cumulative[i] = op(h.Cumulative[i], other.Cumulative[i])
	}
	return both
}

// Quantile is the time, in seconds, that a share q of all took at most, between two
// bounds by a straight line, as Prometheus reckons it. 0 where there are none.
func (h Histogram) Quantile(q float64) float64 {
	n := h.Count()
	if n == 0 {
		return 0
	}
	rank := q * float64(n)
	i := slices.IndexFunc(h.Cumulative, func(c uint64) bool { return float64(c) >= rank })
	if i < 0 || i == len(h.Bounds)-1 && i > 0 && h.Bounds[i] > maxSeconds { // beyond the last bound
		return h.Bounds[max(0, len(h.Bounds)-2)]
	}
	low, below := 0., uint64(0)
	if i > 0 {
		low, below = h.Bounds[i-1], h.Cumulative[i-1]
	}
	in := h.Cumulative[i] - below
	if in == 0 {
		return h.Bounds[i]
	}
	return low + (h.Bounds[i]-low)*(rank-float64(below))/float64(in)
}

// maxSeconds is longer than anything takes: a bound beyond is +Inf.
const maxSeconds = 1e9

// Sample is what one gateway has counted since it started, by revision.
type Sample map[string]Counts

// Window is what all gateways together have counted since it was opened, which the first
// samples do. The zero Window is closed.
type Window struct {
	gateways map[string]bool
	spans    map[source]*span
}

// source is one gateway's counter of one revision.
type source struct{ gateway, revision string }

// span is how far a counter has gone: from first to last, and kept before it began anew.
type span struct{ first, last, kept Counts }

func (s *span) counted() Counts { return s.kept.plus(s.last.since(s.first)) }

// Open says that a gateway has been heard.
func (w *Window) Open() bool { return len(w.gateways) > 0 }

// See takes the newest samples of the gateways there are, by name. One that is missing
// stays at what it had. What a gateway had counted when it was first heard is not of
// this window; a counter that went back, or is gone, has begun anew.
func (w *Window) See(now map[string]Sample) {
	if w.spans == nil {
		w.gateways, w.spans = map[string]bool{}, map[source]*span{}
	}
	for from, s := range w.spans {
		if sample, heard := now[from.gateway]; heard && s.last.reset(sample[from.revision]) {
			s.kept, s.first, s.last = s.counted(), Counts{}, Counts{}
		}
	}
	for gateway, sample := range now {
		for revision, counts := range sample {
			from := source{gateway, revision}
			s := w.spans[from]
			if s == nil {
				s = &span{}
				if !w.gateways[gateway] {
					s.first = counts
				}
				w.spans[from] = s
			}
			s.last = counts
		}
		w.gateways[gateway] = true
	}
}

// Of is what was counted of a revision.
func (w *Window) Of(revision string) Counts {
	var sum Counts
	for from, s := range w.spans {
		if from.revision == revision {
			sum = sum.plus(s.counted())
		}
	}
	return sum
}
