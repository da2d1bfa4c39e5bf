package onnx

import (
	"encoding/binary"
	"fmt"
	"runtime"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

// feed makes native values of inputs, in place.
func (l *lane) feed(pinned *runtime.Pinner, inputs []detector.Tensor) error {
	if len(inputs) != len(l.inputs) {
		return fmt.Errorf("%d inputs, and the model takes %d", len(inputs), len(l.inputs))
	}
	for i, port := range l.inputs {
		value, err := l.value(pinned, i, port, inputs[i])
		if err != nil {
			return err
		}
		l.fed = append(l.fed, value)
	}
	return nil
}

// value is the native value of input i: of the caller's own memory where its type
// is the model's, else of the lane's.
func (l *lane) value(pinned *runtime.Pinner, i int, port Port, in detector.Tensor) (ort.Value, error) {
	shape := ort.Shape(port.Shape)
	count, want := len(in.Data), shape.FlattenedSize()
	if port.Type == typeInt64 {
		count = len(in.Ints)
	}
	if int64(count) != want || count == 0 {
		return nil, fmt.Errorf("input %s has %d values, and the model takes %d", port.Name, count, want)
	}
	switch port.Type {
	case typeInt64:
		pinned.Pin(&in.Ints[0])
		return ort.NewTensor(shape, in.Ints)
	case typeFloat16:
		bytes := grown(l.made[i], 2*count)
		for at, v := range in.Data {
			binary.NativeEndian.PutUint16(bytes[2*at:], toHalf(v))
		}
		l.made[i] = bytes
		pinned.Pin(&bytes[0])
		return ort.NewCustomDataTensor(shape, bytes, ort.TensorElementDataTypeFloat16)
	case typeUint8:
		bytes := grown(l.made[i], count)
		for at, v := range in.Data {
			bytes[at] = toByte(v)
		}
		l.made[i] = bytes
		pinned.Pin(&bytes[0])
		return ort.NewTensor(shape, bytes)
	case typeFloat32, "":
		pinned.Pin(&in.Data[0])
		return ort.NewTensor(shape, in.Data)
	}
	return nil, fmt.Errorf("input %s is of type %s, which is not fed", port.Name, port.Type)
}

// unfeed lets go of the caller's memory.
func (l *lane) unfeed() {
	for _, value := range l.fed {
		_ = value.Destroy() // frees memory and cannot fail
	}
	clear(l.fed)
	l.fed = l.fed[:0]
}
