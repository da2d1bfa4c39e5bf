package report

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// svg is d as an element for the page, whose style sheet has the inks as classes.
func (d drawing) svg() string {
	var b strings.Builder
	d.open(&b, "")
	for _, m := range d.marks {
		m.svg(&b)
	}
	b.WriteString("</svg>")
	return b.String()
}

// file is d as a file of its own, with its inks for light and for dark surroundings.
func (d drawing) file() string {
	var b strings.Builder
	d.open(&b, fmt.Sprintf(` xmlns="http://www.w3.org/2000/svg" width="%s" height="%s"`, short(d.w), short(d.h)))
	b.WriteString("<style>" + inkRules(light) + "@media (prefers-color-scheme:dark){" + inkRules(dark) + "}" +
		"text{font-family:system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif}</style>")
	m := mark{points: []point{{0, 0}, {d.w, 0}, {d.w, d.h}, {0, d.h}}, ink: ground, fill: true}
	m.svg(&b)
	for _, m := range d.marks {
		m.svg(&b)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (d drawing) open(b *strings.Builder, more string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"%s><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		short(d.w), short(d.h), d.name, d.name, more, d.name, html.EscapeString(d.title), d.name, html.EscapeString(d.desc))
}

func (m mark) svg(b *strings.Builder) {
	switch {
	case m.text != "":
		fmt.Fprintf(b, `<text class="f-%s" x="%s" y="%s" font-size="%s"`, m.ink, short(m.points[0][0]), short(m.points[0][1]), short(m.size))
		if m.anchor != start {
			fmt.Fprintf(b, ` text-anchor="%s"`, [...]string{"start", "middle", "end"}[m.anchor])
		}
		if m.bold {
			b.WriteString(` font-weight="600"`)
		}
		b.WriteString(">" + html.EscapeString(m.text) + "</text>")
		return
	case len(m.points) < 2: // a text that is empty
		return
	case m.fill:
		fmt.Fprintf(b, `<path class="f-%s"`, m.ink)
	default:
		fmt.Fprintf(b, `<path class="k-%s" fill="none" stroke-width="%s" stroke-linejoin="round" stroke-linecap="round"`, m.ink, short(m.width))
		if m.dash > 0 {
			fmt.Fprintf(b, ` stroke-dasharray="%s"`, short(m.dash))
		}
	}
	if m.faint > 0 && m.faint < 1 {
		fmt.Fprintf(b, ` opacity="%s"`, short(m.faint))
	}
	b.WriteString(` d="`)
	for i, p := range m.points {
		b.WriteString([...]string{"L", "M"}[bit(i == 0)] + short(p[0]) + " " + short(p[1]))
	}
	if m.fill {
		b.WriteByte('Z')
	}
	b.WriteString(`"/>`)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// short is x to a tenth of a pixel; opacities to a hundredth come through, for they are
// below 1.
func short(x float64) string {
	places := 10.0
	if math.Abs(x) < 1 {
		places = 100
	}
	return strconv.FormatFloat(math.Round(x*places)/places, 'f', -1, 64)
}
