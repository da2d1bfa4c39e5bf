package inspect

import "fmt"

// Cost is what one picture costs a network, as far as its graph tells.
type Cost struct {
	// Parameters is the number of weights, and WeightBytes what they take.
	Parameters  int64
	WeightBytes int64
	// MACs are the multiplications, each with its addition, of convolutions and matrix
	// products; FLOPs, as papers count them, are twice as many.
	MACs int64
	// ActivationBytes is the most that is held at a time between two operations.
	ActivationBytes int64
	// Uncounted is how many convolutions and products have shapes that the graph alone
	// does not tell: where there are any, MACs and ActivationBytes are lower bounds.
	Uncounted int
}

// GFLOPs are billions of floating-point operations.
func (c Cost) GFLOPs() float64 { return 2 * float64(c.MACs) / 1e9 }

// Bytes is the memory of one run at a time: weights, and what lies between.
func (c Cost) Bytes() int64 { return c.WeightBytes + c.ActivationBytes }

// Cost works shapes out from the inputs on, operation by operation, without
// running any. inputs are those that are fed, as [Recognised] has them; nil: the
// graph's own, where it fixes them.
func (m *Model) Cost(inputs []Port) Cost {
	c := Cost{Parameters: m.Parameters}
	if m.graph == nil || m.graph.damage != "" {
		c.Uncounted++
		return c
	}
	s := newShapes(m.graph)
	for _, w := range m.graph.weights {
		if n, ok := volume(w.shape); ok {
			c.WeightBytes += n * bytesOf(w.kind)
		}
	}
	if inputs == nil {
		inputs = m.fixed()
	}
	for _, in := range inputs {
		s.set(in.Name, array{shape: in.Shape, kind: in.Type})
	}
	for _, n := range m.graph.nodes {
		s.infer(n)
		macs, counted := s.macs(n)
		c.MACs = plus(c.MACs, macs)
		if !counted {
			c.Uncounted++
		}
	}
	c.ActivationBytes = s.peak(m.Outputs)
	return c
}

// fixed are the inputs whose shape the graph tells, for a batch of 1.
func (m *Model) fixed() []Port {
	var list []Port
	for _, in := range m.Inputs {
		p := Port{Name: in.Name, Type: in.Type}
		for i, a := range in.Shape {
			if i == 0 && a.Size < 0 {
				a.Size = 1
			}
			p.Shape = append(p.Shape, a.Size)
		}
		if in.Shape != nil && !p.free() {
			list = append(list, p)
		}
	}
	return list
}

// String is the sentence that people read.
func (c Cost) String() string {
	least := ""
	if c.Uncounted > 0 {
		least = "at least "
	}
	said := fmt.Sprintf("%.2f million parameters, %s%.2f GFLOPs a picture, about %s%.0f MB in one run (weights %.1f, between operations %.1f)",
		float64(c.Parameters)/1e6, least, c.GFLOPs(), least, float64(c.Bytes())/1e6, float64(c.WeightBytes)/1e6, float64(c.ActivationBytes)/1e6)
	if c.Uncounted > 0 {
		said += fmt.Sprintf("; the shapes of %d operations are known to a run alone", c.Uncounted)
	}
	return said
}

// plus and times stop at a number that no network has: shapes are a stranger's.
const ceiling = int64(1) << 60

func plus(a, b int64) int64 { return min(a+b, ceiling) }

func times(values ...int64) int64 {
	product := int64(1)
	for _, v := range values {
		if v <= 0 {
			return 0
		}
		if product > ceiling/v {
			return ceiling
		}
		product *= v
	}
	return product
}

// bytesOf is the size of an element.
func bytesOf(kind string) int64 {
	switch kind {
	case "float64", "int64", "uint64", "complex64":
		return 8
	case "float16", "bfloat16", "int16", "uint16":
		return 2
	case "int8", "uint8", "bool":
		return 1
	}
	return 4
}

// macs are the multiplications of a node; counted is false where it has some and
// its shapes are not known.
func (s *shapes) macs(n node) (macs int64, counted bool) {
	at := func(list []string, i int) []int64 {
		if i >= len(list) {
			return nil
		}
		return s.shape(list[i])
	}
	weight := 1
	switch n.kind {
	case "Conv", "FusedConv", "NhwcFusedConv", "ConvInteger", "DeformConv":
	case "QLinearConv":
		weight = 3
	case "ConvTranspose":
		in, w := at(n.inputs, 0), at(n.inputs, 1)
		if len(in) < 3 || len(w) != len(in) {
			return 0, false
		}
		return times(append([]int64{times(in...)}, w[1:]...)...), true
	case "MatMul", "MatMulInteger", "FusedMatMul", "Gemm", "FusedGemm", "QLinearMatMul":
		a, out := at(n.inputs, 0), at(n.outputs, 0)
		if len(a) == 0 || out == nil {
			return 0, false
		}
		inner := a[len(a)-1]
		if n.int("transA", 0) == 1 && len(a) >= 2 {
			inner = a[len(a)-2]
		}
		return times(times(out...), inner), true
	case "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention", "Einsum":
		return 0, false
	default:
		if n.nested {
			return 0, false
		}
		if _, local := s.graph.local[n.operator]; local {
			return 0, false
		}
		return 0, true
	}
	w, out := at(n.inputs, weight), at(n.outputs, 0)
	if len(w) < 3 || out == nil {
		return 0, false
	}
	return times(append([]int64{times(out...)}, w[1:]...)...), true
}
