package render

import (
	"fmt"
	"math"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// barWidth is how many characters the bar of a cold start has.
const barWidth = 24

// phase is how a phase of a cold start is shown.
type phase struct {
	name, means, style string
}

func phaseOf(name string) phase {
	switch name {
	case "pull":
		return phase{"pull", "fetching the model", purple}
	case "start":
		return phase{"start", "a process", yellow}
	case "load":
		return phase{"load", "ONNX Runtime and the model", blue}
	case "warmup":
		return phase{"warm-up", "a first run", red}
	}
	return phase{name: name}
}

// coldStart writes what a cold start was spent on, and the first time what that
// means.
func (p *Printer) coldStart(b *strings.Builder, reply *functions.Reply) {
	start := reply.Timing.Start
	if !reply.ColdStart || start == nil || start.Total() <= 0 {
		return
	}
	fmt.Fprintf(b, "  cold start %s  [%s]  %s\n", span(functions.Millis(start.Total())), p.bar(*start), phases(*start, span, false))
	if !p.explained {
		p.explained = true
		fmt.Fprintf(b, "  %s\n", p.pen.in(dim, words(*start, reply.Timing.Total)))
	}
}

// bar is the start drawn to scale, each phase in its first letter, so that it
// reads without colour too. Ends are rounded, not lengths: the sum is the width.
func (p *Printer) bar(start functions.Start) string {
	var b strings.Builder
	var passed functions.Millis
	drawn := 0
	for name, took := range start.Phases() {
		passed += took
		end := int(math.Round(barWidth * float64(passed) / float64(start.Total())))
		if end > drawn {
			look := phaseOf(name)
			b.WriteString(p.pen.in(look.style, strings.Repeat(look.name[:1], end-drawn)))
			drawn = end
		}
	}
	return b.String()
}

// phases lists the phases that took time, written by write, with what each means
// where explained.
func phases(start functions.Start, write func(functions.Millis) string, explained bool) string {
	var list []string
	for name, took := range start.Phases() {
		if took <= 0 {
			continue
		}
		look := phaseOf(name)
		text := look.name + " " + write(took)
		if explained && look.means != "" {
			text += " (" + look.means + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// words say of how many milliseconds how many went where. A start that took
// longer than the request was begun before it, for another one.
func words(start functions.Start, total functions.Millis) string {
	bare := func(m functions.Millis) string { return fmt.Sprintf("%.0f", m.Milliseconds()) }
	waking := functions.Millis(start.Total())
	list := phases(start, bare, true)
	if waking > total {
		return fmt.Sprintf("Waking the function took %s ms, begun before this picture came: %s.", bare(waking), list)
	}
	return fmt.Sprintf("Of %s ms, %s went into waking the function: %s; the rest into the picture. From here on it is warm.",
		bare(total), bare(waking), list)
}
