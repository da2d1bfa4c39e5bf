package report

import "math"

// drawing is a figure as marks in the order in which they are drawn, in units of a CSS
// pixel, y downwards. [drawing.svg] and [drawing.png] are two ways to write one.
type drawing struct {
	w, h        float64
	name        string // of its files
	title, desc string // for those who do not see it
	marks       []mark
}

// point is x and y.
type point [2]float64

// mark is a line, an area or a text.
type mark struct {
	points []point // of a line, or an area's outline; a text has one
	ink    ink
	fill   bool // an area; else a line
	width  float64
	dash   float64 // length of dashes and gaps; 0: none
	faint  float64 // opacity where it is not 1; 0: 1

	text   string
	size   float64
	anchor anchor
	bold   bool
}

// ink is the name of a colour: what it looks like is a matter of the theme.
type ink string

const (
	ground ink = "ground" // what lies under everything
	body   ink = "body"   // texts that are read
	muted  ink = "muted"  // axes
	grid   ink = "grid"   // lines behind
	// s0 to s5 are the styles'.
)

type anchor uint8

const (
	start anchor = iota
	middle
	end
)

const textSize = 11

func (d *drawing) line(k ink, width float64, points ...point) *mark {
	d.marks = append(d.marks, mark{points: points, ink: k, width: width})
	return &d.marks[len(d.marks)-1]
}

func (d *drawing) area(k ink, faint float64, points ...point) {
	d.marks = append(d.marks, mark{points: points, ink: k, fill: true, faint: faint})
}

func (d *drawing) rect(k ink, faint, x, y, w, h float64) {
	d.area(k, faint, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

func (d *drawing) dot(k ink, x, y, radius float64) {
	var round []point
	for n := range 20 {
		sin, cos := math.Sincos(2 * math.Pi * float64(n) / 20)
		round = append(round, point{x + radius*cos, y + radius*sin})
	}
	d.area(k, 1, round...)
}

func (d *drawing) text(k ink, x, y float64, a anchor, text string) *mark {
	d.marks = append(d.marks, mark{points: []point{{x, y}}, ink: k, text: text, size: textSize, anchor: a})
	return &d.marks[len(d.marks)-1]
}

// heading is the text above a figure's frame.
func (d *drawing) heading(x float64, text string) {
	t := d.text(body, x, 13, start, text)
	t.bold, t.size = true, 12.5
}

// beside puts drawings in a row, with space between them.
func beside(name, title string, space float64, parts ...drawing) drawing {
	all := drawing{name: name, title: title}
	for i, part := range parts {
		if i > 0 {
			all.w += space
			all.desc += " "
		}
		for _, m := range part.marks {
			m.points = shifted(m.points, all.w, 0)
			all.marks = append(all.marks, m)
		}
		all.w += part.w
		all.h = math.Max(all.h, part.h)
		all.desc += part.desc
	}
	return all
}

func shifted(points []point, dx, dy float64) []point {
	moved := make([]point, len(points))
	for i, p := range points {
		moved[i] = point{p[0] + dx, p[1] + dy}
	}
	return moved
}

// framed is d with a margin all around.
func (d drawing) framed(margin float64) drawing {
	marks := d.marks
	d.marks = nil
	for _, m := range marks {
		m.points = shifted(m.points, margin, margin)
		d.marks = append(d.marks, m)
	}
	d.w += 2 * margin
	d.h += 2 * margin
	return d
}

// endLabel is a text at the end of a line, which may have to give way to others.
type endLabel struct {
	y    float64
	text string
	ink  ink
}

// labels writes labels at x from the top down, moved apart to where they can be read,
// none beyond top and bottom as long as there is room for all.
func (d *drawing) labels(x, top, bottom float64, all []endLabel) {
	const apart = textSize + 2.5
	sortByHeight(all)
	for i := range all {
		least := top
		if i > 0 {
			least = all[i-1].y + apart
		}
		all[i].y = math.Max(all[i].y, least)
	}
	for i := len(all) - 1; i >= 0; i-- {
		most := bottom
		if i < len(all)-1 {
			most = all[i+1].y - apart
		}
		all[i].y = math.Min(all[i].y, most)
		d.text(all[i].ink, x, all[i].y+4, start, all[i].text).bold = true
	}
}
