package inspect

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// graph is the main graph without its weights: what of a file hints and cost are
// worked out from.
type graph struct {
	nodes []node
	// weights are the initializers, by name.
	weights map[string]weight
	// declared are the shapes that the exporter wrote down, all axes fixed, by name.
	declared map[string][]int64
	// local are the operators that the file defines itself, with those that each calls.
	local map[operator][]operator
	// damage is what is wrong with it that no reader of it would survive; empty: nothing.
	damage string
}

// operator is a kind of node; the domain of ONNX's own is empty.
type operator struct{ domain, kind string }

// node is one operation.
type node struct {
	operator
	inputs, outputs []string
	ints            map[string][]int64
	texts           map[string]string
	// value is a Constant's.
	value *weight
	// nested says that it holds graphs, whose operations are not among the nodes.
	nested bool
}

// weight is a TensorProto. Its values are there where they are few.
type weight struct {
	shape  []int64
	kind   string // of element
	ints   []int64
	floats []float32
}

// The bounds of what is kept of a graph, far above those of detectors: the largest
// have some thousand nodes.
const (
	maxNodes  = 1 << 16
	maxPorts  = 1 << 10 // inputs and outputs of a node
	maxKept   = 64      // values of a constant
	maxValues = 1 << 31 // of any tensor: no network for pictures has more in one
)

func newGraph() *graph {
	return &graph{weights: map[string]weight{}, declared: map[string][]int64{}, local: map[operator][]operator{}}
}

func (g *graph) damaged(why string) {
	if g.damage == "" {
		g.damage = why
	}
}

// read takes note of a GraphProto.
func (g *graph) read(message []byte) error {
	return fields(message, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 1: // node
			if len(g.nodes) == maxNodes {
				g.damaged("its graph has more than 65536 nodes")
				return nil
			}
			n, err := g.node(value)
			g.nodes = append(g.nodes, n)
			return err
		case 5: // initializer
			name, w, err := g.tensor(value)
			g.weights[name] = w
			return err
		case 13: // value_info
			return g.note(value)
		}
		return nil
	})
}

// note takes note of a shape that the exporter wrote down.
func (g *graph) note(message []byte) error {
	t, err := tensor(message)
	if err != nil || t.Shape == nil || len(g.declared) >= maxTensors {
		return err
	}
	shape := make([]int64, len(t.Shape))
	for i, a := range t.Shape {
		if shape[i] = a.Size; a.Size < 0 {
			return nil
		}
	}
	g.declared[t.Name] = shape
	return nil
}

// node reads a NodeProto.
func (g *graph) node(message []byte) (n node, err error) {
	err = fields(message, func(field protowire.Number, value []byte, _ uint64) (err error) {
		var name string
		switch field {
		case 1, 2: // input, output
			if len(n.inputs)+len(n.outputs) >= maxPorts {
				return nil
			}
			name, err = text(value)
			if field == 1 {
				n.inputs = append(n.inputs, name)
			} else {
				n.outputs = append(n.outputs, name)
			}
		case 4: // op_type
			n.kind, err = text(value)
		case 5: // attribute
			err = g.attribute(&n, value)
		case 7: // domain
			if n.domain, err = text(value); n.domain == "ai.onnx" {
				n.domain = ""
			}
		}
		return err
	})
	return n, err
}

// attribute reads an AttributeProto.
func (g *graph) attribute(n *node, message []byte) error {
	var name, words string
	var ints []int64
	var value *weight
	err := fields(message, func(field protowire.Number, content []byte, number uint64) (err error) {
		switch {
		case field == 1: // name
			name, err = text(content)
		case field == 3, field == 8 && content == nil: // i, ints
			if len(ints) < maxKept {
				ints = append(ints, int64(number))
			}
		case field == 8: // ints, packed
			ints, err = varints(ints, content)
		case field == 4: // s
			words, err = text(content)
		case field == 5: // t
			var w weight
			_, w, err = g.tensor(content)
			value = &w
		case field == 6, field == 11: // g, graphs
			n.nested = true
		}
		return err
	})
	switch {
	case value != nil:
		n.value = value
	case ints != nil:
		if n.ints == nil {
			n.ints = map[string][]int64{}
		}
		n.ints[name] = ints
	case words != "":
		if n.texts == nil {
			n.texts = map[string]string{}
		}
		n.texts[name] = words
	}
	return err
}

// tensor reads a TensorProto, its values where they are few, and sees to it that the
// file holds as many as it says.
func (g *graph) tensor(message []byte) (name string, w weight, err error) {
	var raw []byte
	held, external := int64(0), false
	err = fields(message, func(field protowire.Number, value []byte, number uint64) (err error) {
		switch {
		case field == 1 && value == nil: // dims
			w.shape = append(w.shape, int64(number))
		case field == 1: // dims, packed
			w.shape, err = varints(w.shape, value)
		case field == 2: // data_type
			w.kind = elementType(number)
		case field == 4: // float_data, packed
			held += int64(len(value)) / 4
			for at := 0; at+4 <= len(value) && len(w.floats) < maxKept; at += 4 {
				w.floats = append(w.floats, math.Float32frombits(binary.LittleEndian.Uint32(value[at:])))
			}
		case (field == 5 || field == 7) && value != nil: // int32_data, int64_data, packed
			held += int64(len(value))
			w.ints, err = varints(w.ints, value)
		case field == 5 || field == 7:
			held++
			if len(w.ints) < maxKept {
				w.ints = append(w.ints, int64(number))
			}
		case field == 8: // name
			name, err = text(value)
		case field == 9: // raw_data
			raw = value
			held += 2 * int64(len(value)) // the smallest types have half a byte
		case field == 6, field == 10, field == 11: // string_data, double_data, uint64_data
			held += int64(len(value)) + 1
		case field == 13, field == 14 && number == 1: // external_data, data_location EXTERNAL
			external = true
		}
		if len(w.shape) > maxRank {
			return errors.New("a tensor of too many dimensions")
		}
		return err
	})
	if err != nil {
		return name, w, err
	}
	w.decode(raw)
	switch count, ok := volume(w.shape); {
	case !ok:
		g.damaged("it declares a tensor of a size that no network for pictures has")
	case count > held && !external && !w.loose(held):
		g.damaged("it declares a tensor of more values than the file holds")
	case count > int64(max(len(w.ints), len(w.floats))):
		w.ints, w.floats = nil, nil
	}
	return name, w, nil
}

// loose says that values are written one field each, which is not counted.
func (w weight) loose(held int64) bool {
	return held == 0 && (w.kind == "float32" || w.kind == "float64" || w.kind == "string" || w.kind == "")
}

// decode takes raw bytes for values where they are few.
func (w *weight) decode(raw []byte) {
	switch {
	case w.kind == "int64" && len(raw) <= 8*maxKept:
		for ; len(raw) >= 8; raw = raw[8:] {
			w.ints = append(w.ints, int64(binary.LittleEndian.Uint64(raw)))
		}
	case w.kind == "int32" && len(raw) <= 4*maxKept:
		for ; len(raw) >= 4; raw = raw[4:] {
			w.ints = append(w.ints, int64(int32(binary.LittleEndian.Uint32(raw))))
		}
	case w.kind == "float32" && len(raw) <= 4*maxKept:
		for ; len(raw) >= 4; raw = raw[4:] {
			w.floats = append(w.floats, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
	}
}

// varints appends packed numbers, as many as are kept.
func varints(list []int64, packed []byte) ([]int64, error) {
	for len(packed) > 0 && len(list) <= maxKept {
		n, size := protowire.ConsumeVarint(packed)
		if size < 0 {
			return list, protowire.ParseError(size)
		}
		list, packed = append(list, int64(n)), packed[size:]
	}
	return list, nil
}

// volume is the number of values of a shape; ok is false where it has none or more
// than any network for pictures.
func volume(shape []int64) (n int64, ok bool) {
	n = 1
	for _, size := range shape {
		if size < 0 || size > maxValues {
			return 0, false
		}
		if n *= size; n > maxValues {
			return 0, false
		}
	}
	return n, true
}
