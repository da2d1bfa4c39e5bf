package scaling

import (
	"errors"
	"fmt"
	"math"
)

// Memory is what a policy has measured of a function, to begin with where the last
// platform left off. It is plain data, a few kilobytes at most.
type Memory struct {
	Load    Estimate `json:"load"`
	Service Estimate `json:"service"`
	// Idle counts idle times by their whole minutes, Beyond those longer than all.
	Idle   map[int]uint32 `json:"idle_minutes,omitempty"`
	Beyond int            `json:"idle_beyond,omitempty"`
}

// Estimate is a running average and how many samples it has the weight of.
type Estimate struct {
	Seconds float64 `json:"seconds"`
	Samples float64 `json:"samples"`
}

// Learner is a Policy that measures, and can go on from an earlier measurement.
type Learner interface {
	// Remember is what has been measured so far.
	Remember() Memory
	// Recall takes in an earlier Memory beside what has been measured since, and
	// refuses, whole, one that cannot have been measured.
	Recall(Memory) error
}

// Remember is part of Learner.
func (p *StartupAware) Remember() Memory {
	m := Memory{
		Load:    Estimate{p.load.value, p.load.n},
		Service: Estimate{p.service.value, p.service.n},
		Beyond:  p.idles.beyond,
	}
	for minute, count := range p.idles.counts {
		if count > 0 {
			if m.Idle == nil {
				m.Idle = map[int]uint32{}
			}
			m.Idle[minute] = count
		}
	}
	return m
}

// Recall is part of Learner.
func (p *StartupAware) Recall(m Memory) error {
	idles, err := m.idleTimes()
	if err := errors.Join(err, m.Load.check("load", p.load.samples), m.Service.check("service", p.service.samples)); err != nil {
		return fmt.Errorf("recalling what was measured: %w", err)
	}
	p.load.recall(m.Load)
	p.service.recall(m.Service)
	for minute, count := range p.idles.counts { // few or none: the platform is young
		idles.put(minute, count)
	}
	idles.beyond += p.idles.beyond
	p.idles = idles
	return nil
}

// recall weighs an earlier average by its samples against today's.
func (m *mean) recall(e Estimate) {
	if n := m.n + e.Samples; n > 0 {
		m.value = e.Seconds + (m.value-e.Seconds)*m.n/n
		m.n = min(n, m.samples)
	}
}

// longest is more than a start or a request may take.
const longest = 24 * 3600 // seconds

func (e Estimate) check(name string, most float64) error {
	if !(e.Seconds >= 0 && e.Seconds <= longest && e.Samples >= 0 && e.Samples <= most && e.Samples == math.Trunc(e.Samples)) {
		return fmt.Errorf("a %s time of %v s over %v samples", name, e.Seconds, e.Samples)
	}
	return nil
}

func (m Memory) idleTimes() (idleTimes, error) {
	h := idleTimes{beyond: m.Beyond}
	total := m.Beyond
	for minute, count := range m.Idle {
		if minute < 1 || minute >= idleBins || count > mostIdles {
			return h, fmt.Errorf("%d idle times of %d minutes", count, minute)
		}
		h.put(minute, count)
		total += int(count)
	}
	if m.Beyond < 0 || total > mostIdles {
		return h, fmt.Errorf("%d idle times, %d of them beyond the histogram", total, m.Beyond)
	}
	return h, nil
}
