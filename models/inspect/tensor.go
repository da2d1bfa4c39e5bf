package inspect

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// tensor reads a ValueInfoProto.
func tensor(message []byte) (t Tensor, err error) {
	err = fields(message, func(field protowire.Number, value []byte, _ uint64) (err error) {
		switch field {
		case 1: // name
			t.Name, err = text(value)
		case 2: // type: a TypeProto
			err = fields(value, func(field protowire.Number, value []byte, _ uint64) error {
				if field == 1 { // tensor_type
					return t.readType(value)
				}
				return nil
			})
		}
		return err
	})
	return t, err
}

// readType reads a TypeProto.Tensor.
func (t *Tensor) readType(message []byte) error {
	return fields(message, func(field protowire.Number, value []byte, number uint64) error {
		switch field {
		case 1: // elem_type
			t.Type = elementType(number)
		case 2: // shape: a TensorShapeProto
			t.Shape = []Axis{}
			return fields(value, func(field protowire.Number, value []byte, _ uint64) error {
				if field != 1 { // dim
					return nil
				}
				if len(t.Shape) >= maxRank {
					return errors.New("a tensor of too many dimensions")
				}
				a, err := axis(value)
				t.Shape = append(t.Shape, a)
				return err
			})
		}
		return nil
	})
}

// axis reads a TensorShapeProto.Dimension.
func axis(message []byte) (Axis, error) {
	a := Axis{Size: -1}
	err := fields(message, func(field protowire.Number, value []byte, number uint64) (err error) {
		switch field {
		case 1: // dim_value; some exporters write -1 for a free axis
			a.Size = max(-1, int64(number))
		case 2: // dim_param
			a.Name, err = text(value)
		}
		return err
	})
	return a, err
}

// elementType names a TensorProto.DataType as NumPy does.
func elementType(number uint64) string {
	names := []string{
		"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
		"float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16",
	}
	if number < uint64(len(names)) {
		return names[number]
	}
	return "type " + strconv.FormatUint(number, 10)
}
