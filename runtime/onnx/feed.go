package onnx

import (
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
		shape, in := ort.Shape(port.Shape), inputs[i]
		count, want := len(in.Data), shape.FlattenedSize()
		if port.Type == typeInt64 {
			count = len(in.Ints)
		}
		if int64(count) != want || count == 0 {
			return fmt.Errorf("input %s has %d values, and the model takes %d", port.Name, count, want)
		}
		var value ort.Value
		var err error
		if port.Type == typeInt64 {
			pinned.Pin(&in.Ints[0])
			value, err = ort.NewTensor(shape, in.Ints)
		} else {
			pinned.Pin(&in.Data[0])
			value, err = ort.NewTensor(shape, in.Data)
		}
		if err != nil {
			return err
		}
		l.fed = append(l.fed, value)
	}
	return nil
}

// unfeed lets go of the caller's memory.
func (l *lane) unfeed() {
	for _, value := range l.fed {
		_ = value.Destroy() // frees memory and cannot fail
	}
	clear(l.fed)
	l.fed = l.fed[:0]
}
