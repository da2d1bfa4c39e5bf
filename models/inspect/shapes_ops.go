package inspect

import (
	"math"
	"slices"
)

// The rules by which operations make shapes. Source: onnx/onnx, docs/Operators.md.

func constant(n node) array {
	if v := n.value; v != nil {
		return array{shape: notNil(v.shape), kind: v.kind, ints: v.ints, floats: v.floats}
	}
	if v := n.ints["value_int"]; len(v) == 1 {
		return array{shape: []int64{}, kind: "int64", ints: v}
	}
	if v := n.ints["value_ints"]; v != nil {
		return array{shape: []int64{int64(len(v))}, kind: "int64", ints: v}
	}
	return array{shape: []int64{}, kind: "float32"}
}

func shapeOf(n node, in array) array {
	if in.shape == nil {
		return array{kind: "int64"}
	}
	rank := int64(len(in.shape))
	start, end := clamp(n.int("start", 0), rank), clamp(n.int("end", rank), rank)
	values := slices.Clone(in.shape[start:max(start, end)])
	return array{shape: []int64{int64(len(values))}, kind: "int64", ints: values}
}

// clamp is an index that may count from the end.
func clamp(i, n int64) int64 {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// broadcast is the common shape of a node's inputs, and the values where they are
// whole numbers of a shape.
func (s *shapes) broadcast(n node) array {
	out := array{shape: []int64{}}
	for i := range n.inputs {
		in := s.in(n, i)
		if i == 0 || n.kind == "Where" && i == 1 {
			out.kind = in.kind
		}
		if in.shape == nil {
			return array{kind: out.kind}
		}
		if out.shape = common(out.shape, in.shape); out.shape == nil {
			return array{kind: out.kind}
		}
	}
	switch n.kind {
	case "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor":
		out.kind = "bool"
	}
	if len(n.inputs) == 2 {
		out.ints = reckoned(n.kind, s.in(n, 0).ints, s.in(n, 1).ints)
	}
	if n.kind == "Where" {
		out.ints = chosen(s.in(n, 0).ints, s.in(n, 1).ints, s.in(n, 2).ints)
	}
	return out
}

func common(a, b []int64) []int64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i := range b {
		at := len(a) - len(b) + i
		switch {
		case out[at] == b[i] || b[i] == 1:
		case out[at] == 1:
			out[at] = b[i]
		default:
			return nil
		}
	}
	return notNil(out)
}

// reckoned is arithmetic on whole numbers; one side may be a single one.
func reckoned(kind string, a, b []int64) []int64 {
	if len(a) == 0 || len(b) == 0 || len(a) != len(b) && len(a) != 1 && len(b) != 1 {
		return nil
	}
	out := make([]int64, max(len(a), len(b)))
	for i := range out {
		x, y := a[min(i, len(a)-1)], b[min(i, len(b)-1)]
		switch {
		case kind == "Add":
			out[i] = x + y
		case kind == "Sub":
			out[i] = x - y
		case kind == "Mul":
			out[i] = x * y
		case kind == "Div" && y != 0:
			out[i] = x / y
		case kind == "Mod" && y != 0:
			out[i] = x % y
		case kind == "Min":
			out[i] = min(x, y)
		case kind == "Max":
			out[i] = max(x, y)
		case kind == "Equal":
			out[i] = map[bool]int64{true: 1}[x == y]
		default:
			return nil
		}
	}
	return out
}

func chosen(condition, a, b []int64) []int64 {
	if len(condition) == 0 || len(a) == 0 || len(b) == 0 {
		return nil
	}
	out := make([]int64, max(len(condition), len(a), len(b)))
	for i := range out {
		if out[i] = b[min(i, len(b)-1)]; condition[min(i, len(condition)-1)] != 0 {
			out[i] = a[min(i, len(a)-1)]
		}
	}
	return out
}

func (s *shapes) convolved(n node, in []int64) []int64 {
	weight := 1
	if n.kind == "QLinearConv" {
		weight = 3
	}
	w := s.in(n, weight).shape
	if len(in) < 3 || len(w) != len(in) {
		return nil
	}
	return append([]int64{in[0], w[0]}, window(n, in[2:], w[2:])...)
}

func pooled(n node, in []int64) []int64 {
	kernel := n.ints["kernel_shape"]
	if len(in) < 3 || len(kernel) != len(in)-2 {
		return nil
	}
	return append([]int64{in[0], in[1]}, window(n, in[2:], kernel)...)
}

// window is how often a kernel fits, axis by axis.
func window(n node, in, kernel []int64) []int64 {
	strides, dilations, pads := n.ints["strides"], n.ints["dilations"], n.ints["pads"]
	auto := n.texts["auto_pad"]
	out := make([]int64, len(in))
	for i, size := range in {
		stride, dilation := int64(1), int64(1)
		if i < len(strides) {
			stride = max(1, strides[i])
		}
		if i < len(dilations) {
			dilation = max(1, min(dilations[i], maxValues))
		}
		extent := (min(kernel[i], maxValues)-1)*dilation + 1
		padding := int64(0)
		if len(pads) == 2*len(in) {
			padding = min(pads[i], maxValues) + min(pads[i+len(in)], maxValues)
		}
		switch {
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			out[i] = (size + stride - 1) / stride
		case n.int("ceil_mode", 0) == 1:
			out[i] = (size+padding-extent+stride-1)/stride + 1
		default:
			out[i] = (size+padding-extent)/stride + 1
		}
		out[i] = max(0, out[i])
	}
	return out
}

func (s *shapes) deconvolved(n node, in []int64) []int64 {
	w := s.in(n, 1).shape
	if len(in) < 3 || len(w) != len(in) {
		return nil
	}
	out := []int64{in[0], w[1] * max(1, n.int("group", 1))}
	strides, pads, extra := n.ints["strides"], n.ints["pads"], n.ints["output_padding"]
	for i, size := range in[2:] {
		side := w[2+i]
		if i < len(strides) {
			side += (size - 1) * min(max(1, strides[i]), maxValues)
		} else {
			side += size - 1
		}
		if len(pads) == 2*(len(in)-2) {
			side -= pads[i] + pads[i+len(in)-2]
		}
		if i < len(extra) {
			side += extra[i]
		}
		out = append(out, max(0, side))
	}
	return out
}

// product is the shape of a matrix product, stacks of matrices included.
func product(a, b []int64) []int64 {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	if len(a) == 1 {
		return notNil(append(slices.Clone(b[:max(0, len(b)-2)]), b[len(b)-1:]...))
	}
	if len(b) == 1 {
		return slices.Clone(a[:len(a)-1])
	}
	stack := common(a[:len(a)-2], b[:len(b)-2])
	if stack == nil {
		return nil
	}
	return append(stack, a[len(a)-2], b[len(b)-1])
}

func (s *shapes) gemm(n node) []int64 {
	a, b := s.in(n, 0).shape, s.in(n, 1).shape
	if len(a) != 2 || len(b) != 2 {
		return nil
	}
	rows, columns := a[0], b[1]
	if n.int("transA", 0) == 1 {
		rows = a[1]
	}
	if n.int("transB", 0) == 1 {
		columns = b[0]
	}
	return []int64{rows, columns}
}

func (s *shapes) resized(n node, in []int64) []int64 {
	if in == nil {
		return nil
	}
	if sizes := s.in(n, 3).ints; len(sizes) == len(in) {
		return slices.Clone(sizes)
	}
	scales := s.in(n, 2).floats
	if n.kind == "Upsample" || len(n.inputs) == 2 {
		scales = s.in(n, 1).floats
	}
	if len(scales) != len(in) {
		return nil
	}
	out := make([]int64, len(in))
	for i, size := range in {
		side := math.Floor(float64(size) * float64(scales[i]))
		if !(side >= 0 && side <= maxValues) {
			return nil
		}
		out[i] = int64(side)
	}
	return out
}
