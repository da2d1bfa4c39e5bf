package onnx

import (
	"encoding/binary"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

// The types of a Port, as NumPy names them, that need more than a slice.
const (
	typeFloat32 = "float32"
	typeInt64   = "int64"
	typeFloat16 = "float16"
	typeUint8   = "uint8"
)

// memory is what an output's values are converted into, kept from run to run.
type memory struct {
	data []float32
	ints []int64
}

// read is what a value of any numeric type holds: fractions as float32, whole
// numbers as int64, in the value's memory where they are that already.
func (m *memory) read(name string, v ort.Value) (detector.Tensor, error) {
	out := detector.Tensor{Name: name, Shape: v.GetShape()}
	switch t := v.(type) {
	case *ort.Tensor[float32]:
		out.Data = t.GetData()
		return out, nil
	case *ort.Tensor[int64]:
		out.Ints = t.GetData()
		return out, nil
	case *ort.Tensor[float64]:
		m.data = converted(m.data, t.GetData(), func(x float64) float32 { return float32(x) })
	case *ort.CustomDataTensor: // of bfloat16 the graph makes float32, see widen
		if t.DataType() != ort.TensorElementDataTypeFloat16 {
			return out, fmt.Errorf("output %s is of a type that is not read", name)
		}
		m.data = halves(m.data, t.GetData())
	case *ort.Tensor[int32]:
		m.ints = whole(m.ints, t.GetData())
	case *ort.Tensor[int16]:
		m.ints = whole(m.ints, t.GetData())
	case *ort.Tensor[int8]:
		m.ints = whole(m.ints, t.GetData())
	case *ort.Tensor[uint32]:
		m.ints = whole(m.ints, t.GetData())
	case *ort.Tensor[uint16]:
		m.ints = whole(m.ints, t.GetData())
	case *ort.Tensor[uint8]:
		m.ints = whole(m.ints, t.GetData())
	default:
		return out, fmt.Errorf("output %s is of a type that is not read", name)
	}
	out.Data, out.Ints = m.data, m.ints
	return out, nil
}

func converted[T any](into []float32, values []T, from func(T) float32) []float32 {
	into = grown(into, len(values))
	for i, v := range values {
		into[i] = from(v)
	}
	return into
}

func halves(into []float32, bytes []byte) []float32 {
	into = grown(into, len(bytes)/2)
	for i := range into {
		into[i] = fromHalf(binary.NativeEndian.Uint16(bytes[2*i:]))
	}
	return into
}

func whole[T int8 | int16 | int32 | uint8 | uint16 | uint32](into []int64, values []T) []int64 {
	into = grown(into, len(values))
	for i, v := range values {
		into[i] = int64(v)
	}
	return into
}

// grown is never nil, so that a tensor of no values still has a type.
func grown[T any](s []T, n int) []T {
	if cap(s) < n || s == nil {
		return make([]T, n)
	}
	return s[:n]
}
