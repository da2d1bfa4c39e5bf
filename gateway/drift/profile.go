package drift

import (
	"math"

	"github.com/seed45885407/saccade/functions"
)

// signal is one thing that is counted of pictures or answers.
type signal struct {
	name, test string
	bins       int
	// bin is where a value belongs, and value the middle of what belongs there.
	bin   func(v float64) int
	value func(bin int) float64
}

// The places of the signals in the table.
const (
	brightness = iota
	contrast
	width
	height
	aspect
	detections
	score
	histograms // how many there are
)

// signals are what has a histogram, in the order of reports. Classes come after them.
//
// Sizes are counted by their logarithm: a camera of twice the width is as far from the
// old one as that of half the width.
var signals = [histograms]signal{
	brightness: linear(functions.SignalBrightness, 1),
	contrast:   linear(functions.SignalContrast, 0.5),
	width:      logarithmic(functions.SignalWidth, 16, 16384),
	height:     logarithmic(functions.SignalHeight, 16, 16384),
	aspect:     logarithmic(functions.SignalAspect, 1./8, 8),
	detections: counted(functions.SignalDetections),
	score:      linear(functions.SignalScore, 1),
}

// mostBins is the most bins of a signal.
const mostBins = 64

// linear has bins of one width from 0 to most.
func linear(name string, most float64) signal {
	n := functions.DriftBins[name]
	return signal{
		name: name, test: functions.TestKS, bins: n,
		bin:   func(v float64) int { return within(v/most*float64(n), n) },
		value: func(bin int) float64 { return (float64(bin) + 0.5) / float64(n) * most },
	}
}

// logarithmic has bins of one ratio from least to most.
func logarithmic(name string, least, most float64) signal {
	n := functions.DriftBins[name]
	span := math.Log(most / least)
	return signal{
		name: name, test: functions.TestKS, bins: n,
		bin:   func(v float64) int { return within(math.Log(v/least)/span*float64(n), n) },
		value: func(bin int) float64 { return least * math.Exp((float64(bin)+0.5)/float64(n)*span) },
	}
}

// fewer are the numbers of detections that have a bin of their own or begin one.
var fewer = [...]int{0, 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33}

// counted has a bin for each small number, and wider ones beyond.
func counted(name string) signal {
	return signal{
		name: name, test: functions.TestPSI, bins: len(fewer),
		bin: func(v float64) int {
			at := 0
			for at+1 < len(fewer) && float64(fewer[at+1]) <= v {
				at++
			}
			return at
		},
		value: func(bin int) float64 {
			if bin+1 == len(fewer) {
				return float64(fewer[bin])
			}
			return float64(fewer[bin]+fewer[bin+1]-1) / 2
		},
	}
}

// within is the bin of position v, the nearest where v lies outside. NaN is at 0.
func within(v float64, n int) int {
	if !(v > 0) {
		return 0
	}
	return int(min(v, float64(n-1)))
}

// others is the place of classes that have none of their own.
const others = 0

// profile is what a number of pictures were like: 2.3 kB, however many they are.
type profile struct {
	bins    [histograms][mostBins]uint32
	classes [functions.DriftClasses + 1]uint32
}

// add counts what q has counted too.
func (p *profile) add(q *profile) {
	for s := range p.bins {
		for b := range p.bins[s] {
			p.bins[s][b] += q.bins[s][b]
		}
	}
	for c := range p.classes {
		p.classes[c] += q.classes[c]
	}
}

func (p *profile) count(s int, v float64) { p.bins[s][signals[s].bin(v)]++ }

// sum is how many values a signal has.
func (p *profile) sum(s int) (n float64) {
	for _, count := range p.bins[s] {
		n += float64(count)
	}
	return n
}

// pictures is how many there are: all have a width.
func (p *profile) pictures() int { return int(p.sum(width)) }

// found is how many pictures have at least one detection.
func (p *profile) found() float64 { return p.sum(detections) - float64(p.bins[detections][0]) }

// independent is how many values a signal has that know nothing of each other: the
// scores and classes of one picture belong together, and are taken for one.
func (p *profile) independent(s int) float64 {
	if s == score {
		return p.found()
	}
	return p.sum(s)
}

// mean is that of a signal's values, 0 where there are none; each is taken for the
// middle of its bin.
func (p *profile) mean(s int) float64 {
	var sum, n float64
	for b := range signals[s].bins {
		count := float64(p.bins[s][b])
		sum += count * signals[s].value(b)
		n += count
	}
	if n == 0 {
		return 0
	}
	return sum / n
}
