package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seed45885407/saccade/functions"
)

// paragraph is r for people: a line about the picture, one for each detection,
// and what a cold start was spent on.
func (p *Printer) paragraph(r Result) []byte {
	var b strings.Builder
	if p.seen > 0 {
		b.WriteByte('\n')
	}
	if r.Err != nil || r.Reply == nil {
		fmt.Fprintf(&b, "%s  %s\n", p.pen.in(bold, plain(r.Input)), p.pen.in(red, "failed: "+plain(sentence(r.Err))))
		return []byte(b.String())
	}
	reply := r.Reply
	temper := p.pen.in(green, "warm")
	if reply.ColdStart {
		temper = p.pen.in(blue, "cold")
	}
	fmt.Fprintf(&b, "%s  %dx%d %s  %s  %s  %s\n", p.pen.in(bold, plain(r.Input)),
		reply.Picture.Width, reply.Picture.Height, plain(reply.Picture.Format),
		plain(address(reply.Function, reply.Revision)), temper, span(reply.Timing.Total))

	p.detections(&b, reply.Detections)
	if r.Drawn != "" {
		fmt.Fprintf(&b, "  drawn to %s\n", plain(r.Drawn))
	}
	p.coldStart(&b, reply)
	return []byte(b.String())
}

func (p *Printer) detections(b *strings.Builder, found []functions.Detection) {
	if len(found) == 0 {
		fmt.Fprintf(b, "  %s\n", p.pen.in(dim, "nothing found"))
	}
	width := 0
	for _, d := range found {
		width = max(width, len([]rune(plain(d.Class))))
	}
	for _, d := range found {
		box := fmt.Sprintf("(%.0f, %.0f) to (%.0f, %.0f)", d.Box.X1, d.Box.Y1, d.Box.X2, d.Box.Y2)
		fmt.Fprintf(b, "  %s  %.2f  %s\n", pad(plain(d.Class), width), d.Score, p.pen.in(dim, box))
	}
}

// address is function@revision, the revision without the function's name that it
// begins with.
func address(function, revision string) string {
	if revision == "" {
		return function
	}
	return function + "@" + strings.TrimPrefix(revision, function+"-")
}

// span is m with as many digits as tell something.
func span(m functions.Millis) string {
	ms := m.Milliseconds()
	switch {
	case ms >= 10_000:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	case ms >= 9.95:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
}

// ago is how long before now at was, in one unit.
func ago(at, now time.Time) string {
	d := max(0, now.Sub(at))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}

// plain is text with whatever would steer a terminal written out, as Go writes it
// in a string: labels and names come from models and from far away.
func plain(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
