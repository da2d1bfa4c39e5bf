package report

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// png is d as a picture in light colours, at so many pixels a unit.
func (d drawing) png(times float64) ([]byte, error) {
	c, err := newCanvas(d.w, d.h, times)
	if err != nil {
		return nil, err
	}
	for _, m := range d.marks {
		if err := c.mark(m); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, c.image); err != nil {
		return nil, fmt.Errorf("encoding the figure %s: %w", d.name, err)
	}
	return b.Bytes(), nil
}

// canvas is a picture that is being drawn.
type canvas struct {
	image         *image.RGBA
	times         float64
	inks          map[ink]color.NRGBA
	regular, bold *opentype.Font
}

func newCanvas(w, h, times float64) (*canvas, error) {
	c := &canvas{
		image: image.NewRGBA(image.Rect(0, 0, int(math.Ceil(w*times)), int(math.Ceil(h*times)))),
		times: times, inks: map[ink]color.NRGBA{},
	}
	for _, i := range inks(light) {
		c.inks[i.ink] = rgba(i.rgb)
	}
	draw.Draw(c.image, c.image.Bounds(), image.NewUniform(c.inks[ground]), image.Point{}, draw.Src)
	var err error
	if c.regular, err = opentype.Parse(goregular.TTF); err != nil {
		return nil, fmt.Errorf("reading the font: %w", err)
	}
	if c.bold, err = opentype.Parse(gobold.TTF); err != nil {
		return nil, fmt.Errorf("reading the bold font: %w", err)
	}
	return c, nil
}

func (c *canvas) mark(m mark) error {
	colour := c.inks[m.ink]
	if m.faint > 0 && m.faint < 1 {
		colour.A = uint8(math.Round(255 * m.faint))
	}
	if m.text != "" {
		return c.text(m, colour)
	}
	if len(m.points) < 2 { // a text that is empty
		return nil
	}
	z := vector.NewRasterizer(c.image.Rect.Dx(), c.image.Rect.Dy())
	if m.fill {
		c.polygon(z, m.points)
	} else {
		for _, part := range dashes(m.points, m.dash) {
			c.stroke(z, part, m.width/2)
		}
	}
	z.Draw(c.image, c.image.Bounds(), image.NewUniform(colour), image.Point{})
	return nil
}

// polygon adds an outline, always turning the same way: what overlaps then adds up, and
// the rasterizer cuts the sum off at full cover.
func (c *canvas) polygon(z *vector.Rasterizer, points []point) {
	turn := 0.0
	for i, p := range points {
		q := points[(i+1)%len(points)]
		turn += p[0]*q[1] - q[0]*p[1]
	}
	for i := range points {
		p := points[i]
		if turn < 0 {
			p = points[len(points)-1-i]
		}
		x, y := float32(p[0]*c.times), float32(p[1]*c.times)
		if i == 0 {
			z.MoveTo(x, y)
		} else {
			z.LineTo(x, y)
		}
	}
	z.ClosePath()
}

// stroke adds a line as a box for each of its pieces and a disc at each of its joints.
func (c *canvas) stroke(z *vector.Rasterizer, points []point, half float64) {
	for i, p := range points {
		var disc []point
		for n := range 12 {
			sin, cos := math.Sincos(2 * math.Pi * float64(n) / 12)
			disc = append(disc, point{p[0] + half*cos, p[1] + half*sin})
		}
		c.polygon(z, disc)
		if i == 0 {
			continue
		}
		o := points[i-1]
		length := math.Hypot(p[0]-o[0], p[1]-o[1])
		if length == 0 {
			continue
		}
		nx, ny := -(p[1]-o[1])/length*half, (p[0]-o[0])/length*half
		c.polygon(z, []point{{o[0] + nx, o[1] + ny}, {p[0] + nx, p[1] + ny}, {p[0] - nx, p[1] - ny}, {o[0] - nx, o[1] - ny}})
	}
}

// dashes cuts a line into dashes with gaps as long as they are.
func dashes(points []point, dash float64) [][]point {
	if dash <= 0 {
		return [][]point{points}
	}
	var all [][]point
	left, on := dash, true
	current := []point{points[0]}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		length := math.Hypot(b[0]-a[0], b[1]-a[1])
		for done := 0.0; done < length; {
			step := math.Min(left, length-done)
			done += step
			left -= step
			at := point{a[0] + (b[0]-a[0])*done/length, a[1] + (b[1]-a[1])*done/length}
			if on {
				current = append(current, at)
			}
			if left <= 0 {
				if on {
					all = append(all, current)
				}
				left, on = dash, !on
				current = []point{at}
			}
		}
	}
	if on && len(current) > 1 {
		all = append(all, current)
	}
	return all
}

func (c *canvas) text(m mark, colour color.NRGBA) error {
	family := c.regular
	if m.bold {
		family = c.bold
	}
	// The Go fonts run wider than what browsers show.
	face, err := opentype.NewFace(family, &opentype.FaceOptions{Size: m.size * 0.94 * c.times, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return fmt.Errorf("scaling the font: %w", err)
	}
	defer func() { _ = face.Close() }() // it holds nothing
	drawer := font.Drawer{Dst: c.image, Src: image.NewUniform(colour), Face: face}
	width := drawer.MeasureString(m.text)
	x := fixed.Int26_6(math.Round(m.points[0][0] * c.times * 64))
	switch m.anchor {
	case middle:
		x -= width / 2
	case end:
		x -= width
	}
	drawer.Dot = fixed.Point26_6{X: x, Y: fixed.Int26_6(math.Round(m.points[0][1] * c.times * 64))}
	drawer.DrawString(m.text)
	return nil
}
