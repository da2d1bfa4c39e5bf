package inspect

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The bounds of what is kept of a file, far above what exporters write.
const (
	maxTensors  = 1 << 16 // inputs and outputs, initializers listed as inputs included
	maxRank     = 64
	maxMetadata = 1 << 10
	maxText     = 1 << 20 // bytes of one name or property
	maxDepth    = 32      // graphs within graphs
)

// parser walks the protobuf messages of onnx.proto (onnx/onnx, IR version 13 at
// the time of writing). Field numbers stand beside the names they have there.
type parser struct {
	model  *Model
	graph  bool            // the model has one
	listed map[string]bool // the inputs that initializers fill
	whole  *arithmetic     // of the main graph
}

// fields calls visit for every field of a message: value is the content of a
// length-delimited field, number that of a varint. Other types are passed over.
func fields(message []byte, visit func(field protowire.Number, value []byte, number uint64) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type, protowire.Fixed64Type:
			n = protowire.ConsumeFieldValue(field, kind, message)
			field = 0 // none of these is read
		default:
			return fmt.Errorf("field %d has wire type %d, which ONNX does not use", field, kind)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if field == 0 {
			continue
		}
		if err := visit(field, value, number); err != nil {
			return err
		}
	}
	return nil
}

// file reads a ModelProto.
func (p *parser) file(content []byte) error {
	var graph []byte
	var version string
	err := fields(content, func(field protowire.Number, value []byte, _ uint64) (err error) {
		switch field {
		case 2: // producer_name
			p.model.Producer, err = text(value)
		case 3: // producer_version
			version, err = text(value)
		case 7: // graph
			graph, p.graph = value, value != nil
		case 8: // opset_import
			err = p.opset(value)
		case 14: // metadata_props
			err = p.metadata(value)
		case 25: // functions
			if err = p.function(value); err == nil {
				err = p.model.graph.function(value)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	p.model.Producer = strings.TrimSpace(p.model.Producer + " " + version)
	// The inputs come after the initializers in a file; which of them an
	// initializer fills is known only with both at hand.
	p.listed = map[string]bool{}
	if err := p.interfaces(graph); err != nil {
		return err
	}
	if err := p.contents(graph, 0); err != nil {
		return err
	}
	if err := p.model.graph.read(graph); err != nil {
		return err
	}
	fed := p.model.Inputs[:0]
	for _, in := range p.model.Inputs {
		if !p.listed[in.Name] {
			fed = append(fed, in)
		}
	}
	p.model.Inputs = fed
	for _, out := range p.model.Outputs {
		if m := p.whole.modulus(out.Name); m > 0 && out.Type == "int64" {
			p.model.Moduli[out.Name] = m
		}
	}
	return nil
}

// opset reads an OperatorSetIdProto.
func (p *parser) opset(message []byte) error {
	var domain string
	var version int64
	err := fields(message, func(field protowire.Number, value []byte, number uint64) (err error) {
		switch field {
		case 1: // domain
			domain, err = text(value)
		case 2: // version
			version = int64(number)
		}
		return err
	})
	if domain == "" || domain == "ai.onnx" {
		p.model.Opset = version
	}
	return err
}

// metadata reads a StringStringEntryProto.
func (p *parser) metadata(message []byte) error {
	var key, property string
	err := fields(message, func(field protowire.Number, value []byte, _ uint64) (err error) {
		switch field {
		case 1: // key
			key, err = text(value)
		case 2: // value
			property, err = text(value)
		}
		return err
	})
	if len(p.model.Metadata) >= maxMetadata {
		return errors.New("too many metadata properties")
	}
	p.model.Metadata[key] = property
	return err
}

// interfaces reads the inputs and outputs of a GraphProto.
func (p *parser) interfaces(graph []byte) error {
	return fields(graph, func(field protowire.Number, value []byte, _ uint64) error {
		if field != 11 && field != 12 {
			return nil
		}
		t, err := tensor(value)
		if err != nil {
			return err
		}
		if len(p.model.Inputs)+len(p.model.Outputs) >= maxTensors {
			return errors.New("too many inputs and outputs")
		}
		if field == 11 { // input
			p.model.Inputs = append(p.model.Inputs, t)
			p.listed[t.Name] = false
		} else { // output
			p.model.Outputs = append(p.model.Outputs, t)
		}
		return nil
	})
}

// contents walks a GraphProto for its weights, those of graphs inside it too.
func (p *parser) contents(graph []byte, depth int) error {
	if depth > maxDepth {
		return errors.New("graphs are nested too deeply")
	}
	return fields(graph, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 1: // node
			if depth == 0 {
				if err := p.whole.node(value); err != nil {
					return err
				}
			}
			return p.node(value, depth)
		case 5: // initializer
			if depth == 0 {
				if err := p.whole.constant(value, ""); err != nil {
					return err
				}
			}
			return p.weights(value, depth == 0)
		case 15: // sparse_initializer
			return p.sparse(value)
		}
		return nil
	})
}

// function reads a FunctionProto for weights in its nodes.
func (p *parser) function(message []byte) error {
	return fields(message, func(field protowire.Number, value []byte, _ uint64) error {
		if field == 7 { // node
			return p.node(value, 0)
		}
		return nil
	})
}

// node reads a NodeProto for weights in its attributes.
func (p *parser) node(message []byte, depth int) error {
	return fields(message, func(field protowire.Number, attribute []byte, _ uint64) error {
		if field != 5 { // attribute
			return nil
		}
		return fields(attribute, func(field protowire.Number, value []byte, _ uint64) error {
			switch field {
			case 5, 10: // t, tensors
				return p.weights(value, false)
			case 6, 11: // g, graphs
				return p.contents(value, depth+1)
			case 22, 23: // sparse_tensor, sparse_tensors
				return p.sparse(value)
			}
			return nil
		})
	})
}

// sparse reads a SparseTensorProto.
func (p *parser) sparse(message []byte) error {
	return fields(message, func(field protowire.Number, value []byte, _ uint64) error {
		if field == 1 || field == 2 { // values, indices
			return p.weights(value, false)
		}
		return nil
	})
}

// weights reads a TensorProto but for its data. Only the main graph's
// initializers count as parameters and may fill an input.
func (p *parser) weights(message []byte, initializer bool) error {
	count := int64(1)
	times := func(n uint64) {
		switch {
		case n == 0 || count == 0:
			count = 0
		case n > math.MaxInt64/uint64(count):
			count = math.MaxInt64
		default:
			count *= int64(n)
		}
	}
	err := fields(message, func(field protowire.Number, value []byte, number uint64) error {
		switch {
		case field == 1 && value != nil: // dims, packed
			for len(value) > 0 {
				n, size := protowire.ConsumeVarint(value)
				if size < 0 {
					return protowire.ParseError(size)
				}
				times(n)
				value = value[size:]
			}
		case field == 1: // dims
			times(number)
		case field == 8 && initializer: // name
			if _, listed := p.listed[string(value)]; listed {
				p.listed[string(value)] = true
			}
		case field == 14 && number == 1: // data_location EXTERNAL
			p.model.External = true
		case field == 13: // external_data
			p.model.External = true
			return p.elsewhere(value)
		}
		return nil
	})
	if initializer {
		p.model.Parameters = p.model.Parameters + min(count, math.MaxInt64-p.model.Parameters)
	}
	return err
}

// text copies a string out of the file.
func text(value []byte) (string, error) {
	if len(value) > maxText {
		return "", fmt.Errorf("a text of %d bytes", len(value))
	}
	return strings.ToValidUTF8(string(value), "\ufffd"), nil
}
