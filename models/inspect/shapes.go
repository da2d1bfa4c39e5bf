package inspect

import "slices"

// array is what is known of a tensor: its shape, nil where it is not known, the type
// of its elements, and its values where they are few whole numbers, which is how
// graphs reckon with shapes.
type array struct {
	shape  []int64
	kind   string
	ints   []int64
	floats []float32
}

// shapes are the arrays of a graph, by name.
type shapes struct {
	graph *graph
	known map[string]array
}

func newShapes(g *graph) *shapes {
	s := &shapes{graph: g, known: make(map[string]array, len(g.nodes))}
	for name, w := range g.weights {
		s.known[name] = array{shape: notNil(w.shape), kind: w.kind, ints: w.ints, floats: w.floats}
	}
	return s
}

func notNil(shape []int64) []int64 {
	if shape == nil {
		return []int64{} // a scalar
	}
	return shape
}

func (s *shapes) set(name string, a array) {
	if name == "" {
		return
	}
	if _, ok := volume(a.shape); !ok || len(a.shape) > maxRank {
		a = array{kind: a.kind}
	}
	if len(a.ints) > maxKept {
		a.ints = nil
	}
	s.known[name] = a
}

// shape is nil where it is not known.
func (s *shapes) shape(name string) []int64 {
	if a, ok := s.known[name]; ok && a.shape != nil {
		return a.shape
	}
	return s.graph.declared[name]
}

// in is input i of n, as far as it is known.
func (s *shapes) in(n node, i int) array {
	if i >= len(n.inputs) || n.inputs[i] == "" {
		return array{}
	}
	a := s.known[n.inputs[i]]
	if a.shape == nil {
		a.shape = s.graph.declared[n.inputs[i]]
	}
	return a
}

func (n node) int(name string, otherwise int64) int64 {
	if v := n.ints[name]; len(v) > 0 {
		return v[0]
	}
	return otherwise
}

// infer works out what the outputs of n are from what its inputs are.
func (s *shapes) infer(n node) {
	if len(n.outputs) == 0 || n.nested {
		return
	}
	first := s.in(n, 0)
	if outs, ok := s.split(n, first); ok {
		for i, out := range outs {
			s.set(n.outputs[i], out)
		}
		return
	}
	out := array{kind: first.kind}
	switch n.kind {
	case "Constant":
		out = constant(n)
	case "Shape":
		out = shapeOf(n, first)
	case "Cast":
		out = first
		if kind := n.int("to", 0); kind > 0 {
			out.kind = elementType(uint64(kind))
		}
	case "ConstantOfShape":
		out.shape, out.kind = s.in(n, 0).ints, "float32"
		if n.value != nil {
			out.kind = n.value.kind
		}
		if v, ok := volume(out.shape); ok && out.shape != nil && v <= maxKept && n.value != nil && len(n.value.ints) == 1 {
			out.ints = slices.Repeat(n.value.ints, int(v))
		}
	case "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "And", "Or", "Xor", "Where", "PRelu",
		"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "BitwiseAnd", "BitwiseOr", "BitShift":
		out = s.broadcast(n)
	case "Conv", "FusedConv", "NhwcFusedConv", "ConvInteger", "QLinearConv", "DeformConv":
		out.shape = s.convolved(n, first.shape)
	case "ConvTranspose":
		out.shape = s.deconvolved(n, first.shape)
	case "MaxPool", "AveragePool", "LpPool":
		out.shape = pooled(n, first.shape)
	case "GlobalAveragePool", "GlobalMaxPool":
		if out.shape = slices.Clone(first.shape); len(out.shape) > 2 {
			for i := 2; i < len(out.shape); i++ {
				out.shape[i] = 1
			}
		}
	case "MatMul", "MatMulInteger", "FusedMatMul":
		out.shape = product(first.shape, s.in(n, 1).shape)
	case "QLinearMatMul":
		out.shape = product(first.shape, s.in(n, 3).shape)
	case "Gemm", "FusedGemm":
		out.shape = s.gemm(n)
	case "Resize", "Upsample":
		out.shape = s.resized(n, first.shape)
	case "QuantizeLinear":
		out.shape, out.kind = first.shape, "uint8"
	case "DequantizeLinear":
		out.shape, out.kind = first.shape, "float32"
	default:
		out = s.moved(n, first)
	}
	s.set(n.outputs[0], out)
	for _, other := range n.outputs[1:] {
		if n.kind == "TopK" || n.kind == "MaxPool" || n.kind == "Dropout" {
			s.set(other, array{shape: out.shape, kind: "int64"})
		}
	}
}

// peak is the most bytes that live at a time, each array from the operation that
// makes it to the last that needs it.
func (s *shapes) peak(outputs []Tensor) (most int64) {
	last := map[string]int{}
	for i, n := range s.graph.nodes {
		for _, in := range n.inputs {
			last[in] = i
		}
	}
	for _, out := range outputs {
		last[out.Name] = len(s.graph.nodes)
	}
	held := func(name string) int64 {
		shape := s.shape(name)
		if shape == nil {
			return 0
		}
		return times(times(shape...), bytesOf(s.known[name].kind))
	}
	live := int64(0)
	alive := map[string]bool{}
	for i, n := range s.graph.nodes {
		for _, in := range n.inputs { // the graph's own inputs live from their first use on
			if _, weight := s.graph.weights[in]; !weight && in != "" && !alive[in] {
				alive[in] = true
				live = plus(live, held(in))
			}
		}
		for _, out := range n.outputs {
			if out != "" && !alive[out] && n.kind != "Constant" {
				alive[out] = true
				live = plus(live, held(out))
			}
		}
		most = max(most, live)
		for _, name := range append(slices.Clone(n.inputs), n.outputs...) {
			if alive[name] && last[name] <= i {
				delete(alive, name)
				live -= held(name)
			}
		}
	}
	return most
}
