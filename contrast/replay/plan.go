package replay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
)

// Plan is a trace as it is played.
type Plan struct {
	Trace string
	// Compress is by how much time was pressed together, From where in the trace's own time
	// the plan begins, and Kept the share of its requests that are in it.
	Compress float64
	From     time.Duration
	Kept     float64
	// For is how long it takes; Arrivals are since its beginning, never falling.
	For      time.Duration
	Arrivals []time.Duration
}

// PlanOptions say how a trace becomes a plan.
type PlanOptions struct {
	// Compress presses time together, by 1 or more. Default 1.
	Compress float64
	// Longest is how long a plan may take; of a longer one the stretch with most requests
	// is played. 0: as long as it takes.
	Longest time.Duration
	// MostRate is how many requests a second the machine is to be given, in the two seconds
	// with most of them; where there are more, as many of all requests are left out, by
	// chance. 0: all are played. Time that is pressed together raises the rate: this
	// keeps a crowd's shape without making one of what was none.
	MostRate float64
	Seed     uint64
}

// peakOver is the time over which a peak is counted.
const peakOver = 2 * time.Second

// NewPlan makes a plan of a trace.
func NewPlan(t traces.Trace, o PlanOptions) (Plan, error) {
	if o.Compress == 0 {
		o.Compress = 1
	}
	if !(o.Compress >= 1 && o.Compress <= 1e6) || o.Longest < 0 || !(o.MostRate >= 0) {
		return Plan{}, fmt.Errorf("planning with time pressed together by %v, for %v at most, at %v requests a second", o.Compress, o.Longest, o.MostRate)
	}
	p := Plan{Trace: t.Name, Compress: o.Compress, Kept: 1, For: time.Duration(float64(t.For) / o.Compress)}
	for _, at := range t.Arrivals(o.Seed) {
		p.Arrivals = append(p.Arrivals, time.Duration(float64(at)/o.Compress))
	}
	if o.Longest > 0 && p.For > o.Longest {
		p.cut(o.Longest)
	}
	if most := p.peak(); o.MostRate > 0 && most > o.MostRate {
		p.thin(o.MostRate/most, o.Seed)
	}
	if len(p.Arrivals) == 0 {
		return p, errors.New("planning a trace of which no request is left")
	}
	return p, nil
}

// cut keeps the stretch with most requests, of equal ones the first.
func (p *Plan) cut(length time.Duration) {
	best, from := 0, 0
	for first, last := 0, 0; first < len(p.Arrivals); first++ {
		begin := min(p.Arrivals[first], p.For-length)
		for last < len(p.Arrivals) && p.Arrivals[last] < begin+length {
			last++
		}
		if last-first > best {
			best, from = last-first, first
		}
	}
	if best > 0 {
		begin := min(p.Arrivals[from], p.For-length)
		kept := make([]time.Duration, best)
		for n := range kept {
			kept[n] = p.Arrivals[from+n] - begin
		}
		p.Arrivals, p.From = kept, time.Duration(float64(begin)*p.Compress)
	}
	p.For = length
}

// peak is the most requests a second.
func (p *Plan) peak() float64 {
	most, last := 0, 0
	for first := range p.Arrivals {
		for last < len(p.Arrivals) && p.Arrivals[last] < p.Arrivals[first]+peakOver {
			last++
		}
		most = max(most, last-first)
	}
	return float64(most) / peakOver.Seconds()
}

// thin keeps a share of the requests; of a Poisson process that is one again.
func (p *Plan) thin(share float64, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	var kept []time.Duration
	for _, at := range p.Arrivals {
		if r.Float64() < share {
			kept = append(kept, at)
		}
	}
	p.Arrivals, p.Kept = kept, share
}

// Rate is the plan's requests a second, on average.
func (p Plan) Rate() float64 { return float64(len(p.Arrivals)) / p.For.Seconds() }
