package inspect

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// arithmetic is what of a graph's whole numbers is looked at: DETR's postprocessor
// numbers query and class as one, and its labels are the remainder of a division
// by the number of classes, which nothing else in the file may tell.
type arithmetic struct {
	made      map[string]operation // by the name of the result
	constants map[string]int64
}

// operation is a node of few inputs and one result.
type operation struct {
	kind   string
	inputs []string
}

const (
	maxOperations = 1 << 14
	maxSteps      = 8   // from a result back
	maxScalar     = 512 // bytes of a TensorProto with one number and its name
)

func newArithmetic() *arithmetic {
	return &arithmetic{made: map[string]operation{}, constants: map[string]int64{}}
}

// node takes note of a NodeProto, if it is one that could be part of a remainder.
func (a *arithmetic) node(message []byte) error {
	if len(a.made)+len(a.constants) >= maxOperations {
		return nil
	}
	var op operation
	var result string
	var value []byte // of a Constant
	err := fields(message, func(field protowire.Number, content []byte, _ uint64) (err error) {
		switch field {
		case 1: // input
			if len(op.inputs) < 2 {
				var name string
				name, err = text(content)
				op.inputs = append(op.inputs, name)
			}
		case 2: // output
			result, err = text(content)
		case 4: // op_type
			op.kind, err = text(content)
		case 5: // attribute
			err = fields(content, func(field protowire.Number, tensor []byte, _ uint64) error {
				if field == 5 { // t
					value = tensor
				}
				return nil
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	switch op.kind {
	case "Constant":
		return a.constant(value, result)
	case "Sub", "Mul", "Div", "Mod", "Cast", "Identity", "Floor":
		a.made[result] = op
	}
	return nil
}

// constant takes note of a TensorProto of one int64, under its own name where
// none is given.
func (a *arithmetic) constant(message []byte, name string) error {
	if len(message) > maxScalar || len(a.made)+len(a.constants) >= maxOperations {
		return nil
	}
	const int64Type = 7
	var kind uint64
	var raw []byte
	var numbers []int64
	err := fields(message, func(field protowire.Number, value []byte, number uint64) (err error) {
		switch {
		case field == 2: // data_type
			kind = number
		case field == 7 && value != nil: // int64_data, packed
			for len(value) > 0 {
				n, size := protowire.ConsumeVarint(value)
				if size < 0 {
					return protowire.ParseError(size)
				}
				numbers, value = append(numbers, int64(n)), value[size:]
			}
		case field == 7: // int64_data
			numbers = append(numbers, int64(number))
		case field == 8 && name == "": // name
			name, err = text(value)
		case field == 9: // raw_data
			raw = value
		}
		return err
	})
	switch {
	case err != nil || kind != int64Type:
		return err
	case len(raw) == 8 && len(numbers) == 0:
		a.constants[name] = int64(binary.LittleEndian.Uint64(raw))
	case len(raw) == 0 && len(numbers) == 1:
		a.constants[name] = numbers[0]
	}
	return nil
}

// modulus is what result is the remainder of a division by, written as x % m or
// as x - x/m*m; 0 where it is no such thing.
func (a *arithmetic) modulus(result string) int64 {
	op := a.origin(result)
	if len(op.inputs) < 2 {
		return 0
	}
	switch op.kind {
	case "Mod":
		return max(0, a.constants[op.inputs[1]])
	case "Sub":
		times := a.origin(op.inputs[1])
		if times.kind != "Mul" || len(times.inputs) < 2 {
			return 0
		}
		m, quotient := a.constants[times.inputs[1]], a.origin(times.inputs[0])
		if m == 0 {
			m, quotient = a.constants[times.inputs[0]], a.origin(times.inputs[1])
		}
		if quotient.kind == "Div" && len(quotient.inputs) == 2 && a.constants[quotient.inputs[1]] == m {
			return max(0, m)
		}
	}
	return 0
}

// origin is the operation that made result, past those that change no whole number.
func (a *arithmetic) origin(result string) operation {
	for range maxSteps {
		op := a.made[result]
		if len(op.inputs) == 0 || op.kind != "Cast" && op.kind != "Identity" && op.kind != "Floor" {
			return op
		}
		result = op.inputs[0]
	}
	return operation{}
}
