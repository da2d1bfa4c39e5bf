package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// builder writes an ONNX file by hand: real graphs, small enough to know by heart.
type builder struct {
	graph    []byte
	metadata []byte
	names    int
}

// The numbers of TensorProto.DataType.
var elements = map[string]uint64{
	"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7,
	"float16": 10, "float64": 11, "uint32": 12, "bfloat16": 16,
}

func put(b []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func putInt(b []byte, number protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(value))
}

// port declares an input or output; -1 is a free axis.
func port(name, kind string, shape []int64) []byte {
	var dims []byte
	for _, n := range shape {
		if n < 0 {
			dims = put(dims, 1, put(nil, 2, []byte("free")))
		} else {
			dims = put(dims, 1, putInt(nil, 1, n))
		}
	}
	tensor := put(putInt(nil, 1, int64(elements[kind])), 2, dims)
	return put(put(nil, 1, []byte(name)), 2, put(nil, 1, tensor))
}

func (b *builder) input(name, kind string, shape ...int64) {
	b.graph = put(b.graph, 11, port(name, kind, shape))
}

func (b *builder) output(name, kind string, shape ...int64) {
	b.graph = put(b.graph, 12, port(name, kind, shape))
}

// weight adds an initializer and gives its name.
func (b *builder) weight(kind string, raw []byte, shape ...int64) string {
	name := b.name()
	var t []byte
	for _, n := range shape {
		t = putInt(t, 1, n)
	}
	t = putInt(t, 2, int64(elements[kind]))
	t = put(put(t, 8, []byte(name)), 9, raw)
	b.graph = put(b.graph, 5, t)
	return name
}

func (b *builder) floats(values []float32, shape ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return b.weight("float32", raw, shape...)
}

func (b *builder) ints(values []int64, shape ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return b.weight("int64", raw, shape...)
}

func (b *builder) name() string {
	b.names++
	return "t" + string(rune('a'+b.names/26)) + string(rune('a'+b.names%26))
}

// attribute is a whole number of a node's.
type attribute struct {
	name  string
	value int64
}

// node adds an operation whose one result has the given name, or a new one where
// that is empty.
func (b *builder) node(kind, result string, inputs []string, attributes ...attribute) string {
	if result == "" {
		result = b.name()
	}
	var n []byte
	for _, in := range inputs {
		n = put(n, 1, []byte(in))
	}
	n = put(put(n, 2, []byte(result)), 4, []byte(kind))
	for _, a := range attributes {
		// name, i, and type INT
		n = put(n, 5, putInt(putInt(put(nil, 1, []byte(a.name)), 3, a.value), 20, 2))
	}
	b.graph = put(b.graph, 1, n)
	return result
}

func (b *builder) cast(from, result, kind string) string {
	return b.node("Cast", result, []string{from}, attribute{"to", int64(elements[kind])})
}

func (b *builder) file() []byte {
	m := putInt(nil, 1, 8)
	m = put(m, 8, putInt(nil, 2, 17))
	m = put(m, 7, put(b.graph, 2, []byte("g")))
	return append(m, b.metadata...)
}
