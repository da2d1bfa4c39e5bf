package explain

import (
	"image"
	"math/rand/v2"
)

// mask is how much of each pixel is shown, 0 to 1, row by row.
type mask struct {
	size   image.Point
	values []float32
	// nodes, row and columns are memory of render.
	nodes, row []float32
	columns    []column
}

// column is where a column of pixels lies between two columns of nodes.
type column struct {
	left  int
	share float32 // of the node to the right
}

func newMask(size image.Point) *mask {
	return &mask{size: size, values: make([]float32, size.X*size.Y)}
}

func (m *mask) fill(v float32) {
	for i := range m.values {
		m.values[i] = v
	}
}

// cover is the mask of that number: cells that are shown or not, each by chance, made
// as large as the picture with soft edges, and shifted by less than a cell (section 3.3
// of the paper).
func (m *mask) cover(o Options, number uint64) {
	dice := rand.New(rand.NewPCG(o.Seed, number))
	m.render(o.Grid, dice, func() float32 {
		if dice.Float64() < o.Keep {
			return 1
		}
		return 0
	})
}

// blobs is a field without meaning of the same softness: its order of pixels is what
// that of a map is held against.
func (m *mask) blobs(o Options, number uint64) {
	dice := rand.New(rand.NewPCG(^o.Seed, number))
	m.render(o.Grid, dice, dice.Float32)
}

// render draws the values of grid times grid cells, one more on each side since they
// are shifted, and interpolates between their middles.
func (m *mask) render(grid int, dice *rand.Rand, value func() float32) {
	side := grid + 2
	if len(m.nodes) != side*side {
		m.nodes, m.row, m.columns = make([]float32, side*side), make([]float32, side), make([]column, m.size.X)
	}
	for i := range m.nodes {
		m.nodes[i] = value()
	}
	cell := func(length int) float32 { return float32(length) / float32(grid) }
	width, height := cell(m.size.X), cell(m.size.Y)
	shiftX, shiftY := dice.Float32(), dice.Float32()
	for x := range m.columns {
		at := (float32(x)+0.5)/width + shiftX
		left := min(int(at), side-2)
		m.columns[x] = column{left, at - float32(left)}
	}
	for y := range m.size.Y {
		at := (float32(y)+0.5)/height + shiftY
		top := min(int(at), side-2)
		share := at - float32(top)
		upper, lower := m.nodes[top*side:][:side], m.nodes[(top+1)*side:][:side]
		for i := range m.row {
			m.row[i] = upper[i] + share*(lower[i]-upper[i])
		}
		values := m.values[y*m.size.X:][:m.size.X]
		for x, c := range m.columns {
			left := m.row[c.left]
			values[x] = left + c.share*(m.row[c.left+1]-left)
		}
	}
}

// apply writes what the mask shows of the picture; the rest is black, as in the paper.
func (m *mask) apply(into, picture *image.RGBA) {
	for y := range m.size.Y {
		from, to := picture.Pix[y*picture.Stride:][:4*m.size.X], into.Pix[y*into.Stride:][:4*m.size.X]
		for x, v := range m.values[y*m.size.X:][:m.size.X] {
			p, q := from[4*x:][:4:4], to[4*x:][:4:4]
			q[0] = uint8(float32(p[0])*v + 0.5)
			q[1] = uint8(float32(p[1])*v + 0.5)
			q[2] = uint8(float32(p[2])*v + 0.5)
			q[3] = 0xff
		}
	}
}
