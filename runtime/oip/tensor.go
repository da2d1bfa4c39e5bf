package oip

import (
	"encoding/binary"
	"math"

	"github.com/seed45885407/saccade/functions"
)

// The datatypes that models here take and give, as the protocol names them.
const (
	fp32   = "FP32"
	int64s = "INT64"
	bytess = "BYTES"
)

// tensor is a tensor with its values, row-major: those of its datatype are set.
type tensor struct {
	tensorHead
	floats []float32
	ints   []int64
	texts  [][]byte
}

// values are a tensor's values as they came in, not looked at yet. Each method gives
// n values of one type, or says why there are not n of it.
type values interface {
	floats(n int) ([]float32, error)
	ints(n int) ([]int64, error)
	texts(n int) ([][]byte, error)
}

// count is the number of values of a shape. It is refused where an axis is negative,
// or where there are more than most.
func count(name string, shape []int64, most int64) (int, error) {
	n := int64(1)
	for _, axis := range shape {
		if axis < 0 {
			return 0, functions.Errorf(functions.Invalid, "input %.64q: a shape has no negative size", name)
		}
		if axis > 0 && n > most/axis { // before the product can overflow
			return 0, functions.Errorf(functions.Invalid, "input %.64q has more than %d values", name, most)
		}
		n *= axis
	}
	return int(n), nil
}

// raw are values as bytes, little-endian; those of BYTES each after its length in 4
// bytes.
type raw []byte

func (r raw) sized(n, size int) error {
	if len(r)%size != 0 || len(r)/size != n {
		return functions.Errorf(functions.Invalid, "has %d bytes, and its %d values take %d", len(r), n, n*size)
	}
	return nil
}

func (r raw) floats(n int) ([]float32, error) {
	if err := r.sized(n, 4); err != nil {
		return nil, err
	}
	list := make([]float32, n)
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(r[4*i:]))
	}
	return list, nil
}

func (r raw) ints(n int) ([]int64, error) {
	if err := r.sized(n, 8); err != nil {
		return nil, err
	}
	list := make([]int64, n)
	for i := range list {
		list[i] = int64(binary.LittleEndian.Uint64(r[8*i:]))
	}
	return list, nil
}

// texts shares memory with r.
func (r raw) texts(n int) ([][]byte, error) {
	if n > len(r)/4 {
		return nil, functions.Errorf(functions.Invalid, "has %d bytes, which is too few for %d values and their lengths", len(r), n)
	}
	list := make([][]byte, n)
	for i := range list {
		if len(r) < 4 {
			return nil, functions.Errorf(functions.Invalid, "ends before its value %d", i)
		}
		size := int64(binary.LittleEndian.Uint32(r))
		if r = r[4:]; size > int64(len(r)) {
			return nil, functions.Errorf(functions.Invalid, "ends within its value %d: %d bytes are announced, and %d come", i, size, len(r))
		}
		list[i], r = r[:size:size], r[size:]
	}
	if len(r) > 0 {
		return nil, functions.Errorf(functions.Invalid, "has %d bytes too many", len(r))
	}
	return list, nil
}

// raw is t's values as bytes.
func (t tensor) raw() []byte {
	var b []byte
	switch t.Datatype {
	case fp32:
		b = make([]byte, 0, 4*len(t.floats))
		for _, v := range t.floats {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case int64s:
		b = make([]byte, 0, 8*len(t.ints))
		for _, v := range t.ints {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case bytess:
		for _, v := range t.texts {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		}
	}
	return b
}
