package inspect

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// onnxFile writes the parts of an ONNX file that this package reads.
type onnxFile struct {
	producer     string
	inputs       []Tensor
	outputs      []Tensor
	initializers map[string][]int64
	external     bool
	nested       bool // the initializers lie in a graph within an attribute of a node
	metadata     map[string]string
}

func field(b []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func varint(b []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), value)
}

func (t Tensor) encode() []byte {
	var shape []byte
	for _, a := range t.Shape {
		var dim []byte
		switch {
		case a.Size >= 0:
			dim = varint(nil, 1, uint64(a.Size))
		case a.Name != "":
			dim = field(nil, 2, []byte(a.Name))
		}
		shape = field(shape, 1, dim)
	}
	elem := uint64(1)
	for elementType(elem) != t.Type {
		elem++
	}
	tensorType := varint(nil, 1, elem)
	if t.Shape != nil {
		tensorType = field(tensorType, 2, shape)
	}
	return field(field(nil, 1, []byte(t.Name)), 2, field(nil, 1, tensorType))
}

func (f onnxFile) encode() []byte {
	var weights, graph []byte
	for _, name := range slices.Sorted(maps.Keys(f.initializers)) {
		var w []byte
		for _, n := range f.initializers[name] {
			w = varint(w, 1, uint64(n))
		}
		w = varint(w, 2, 1)
		w = field(w, 8, []byte(name))
		w = field(w, 9, []byte("weights"))
		if f.external {
			w = varint(w, 14, 1)
		}
		weights = field(weights, 5, w)
	}
	graph = append(graph, weights...)
	if f.nested {
		graph = field(nil, 1, field(nil, 5, field(nil, 6, weights)))
	}
	for _, t := range f.inputs {
		graph = field(graph, 11, t.encode())
	}
	for _, t := range f.outputs {
		graph = field(graph, 12, t.encode())
	}
	b := varint(nil, 1, 8)
	b = field(b, 2, []byte(f.producer))
	b = field(b, 8, varint(nil, 2, 17))
	b = field(b, 7, graph)
	for _, key := range slices.Sorted(maps.Keys(f.metadata)) {
		b = field(b, 14, field(field(nil, 1, []byte(key)), 2, []byte(f.metadata[key])))
	}
	return b
}

// shaped is a float32 tensor; a string axis is a free one of that name, "" one
// without a name.
func shaped(name string, axes ...any) Tensor {
	t := Tensor{Name: name, Type: "float32", Shape: []Axis{}}
	for _, a := range axes {
		switch a := a.(type) {
		case int:
			t.Shape = append(t.Shape, Axis{Size: int64(a)})
		case string:
			t.Shape = append(t.Shape, Axis{Size: -1, Name: a})
		}
	}
	return t
}
