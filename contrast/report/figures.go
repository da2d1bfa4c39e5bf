package report

import (
	"fmt"
	"strings"
)

// figures are all drawings of a document, in the order of the page.
type figures struct {
	breakEven *drawing // nil without a sweep
	latency   []drawing
	time      [][]drawing // a trace's styles
	starts    []drawing
	cost      []drawing
	knobs     []drawing
	knobsOf   []int // which of Knobs a drawing is of
}

func drawAll(doc *Document) figures {
	var f figures
	if len(doc.Sweep) > 1 {
		f.breakEven = new(drawBreakEven(doc))
	}
	for t, trace := range doc.Traces {
		f.latency = append(f.latency, drawLatency(doc.Input, trace))
		f.time = append(f.time, drawTimes(doc.Input, trace))
		f.cost = append(f.cost, drawCost(doc, t))
		if starts, any := drawStarts(doc.Input, trace); any {
			f.starts = append(f.starts, starts)
		}
	}
	for k, knobs := range doc.Knobs {
		panels := drawKnobs(doc.Input, k, knobs)
		f.knobs = append(f.knobs, panels...)
		for range panels {
			f.knobsOf = append(f.knobsOf, k)
		}
	}
	return f
}

// all are the drawings one by one, a trace's styles in one row, and before them the
// picture that tells most at a glance.
func (f figures) all(doc *Document) []drawing {
	overview := []drawing{f.latency[0], f.cost[0]}
	if f.breakEven != nil {
		overview = append([]drawing{*f.breakEven}, overview...)
	}
	all := []drawing{beside("overview", "The contrast at a glance", 28, overview...)}
	if f.breakEven != nil {
		all = append(all, *f.breakEven)
	}
	all = append(all, f.latency...)
	for t, row := range f.time {
		if len(row) > 0 {
			all = append(all, beside(id("time", t, doc.Traces[t].Name), "Instances over time on "+doc.Traces[t].Name, 24, row...))
		}
	}
	all = append(all, f.starts...)
	all = append(all, f.cost...)
	return append(all, f.knobs...)
}

// slug is a name as part of a file's name and of an identifier.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
}

// id is slug with a number that keeps names apart which are spelled alike.
func id(what string, n int, name string) string {
	return fmt.Sprintf("%s-%d-%s", what, n+1, slug(name))
}
