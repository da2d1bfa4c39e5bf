package onnx

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

// lane is what one run at a time needs: outputs whose memory is kept between
// runs where their shape is known, and the handle that terminates the run.
type lane struct {
	shape   ort.Shape // of the input
	options *ort.RunOptions
	// values are the outputs; those of unknown shape are nil between runs.
	values  []ort.Value
	outputs []detector.Tensor
	kept    []bool
	pinned  runtime.Pinner // the memory of kept outputs, which C holds pointers to
}

func newLane(o Options) (_ *lane, err error) {
	size := int64(o.Size)
	l := &lane{
		shape:   ort.NewShape(1, 3, size, size),
		values:  make([]ort.Value, len(o.Outputs)),
		outputs: make([]detector.Tensor, len(o.Outputs)),
		kept:    make([]bool, len(o.Outputs)),
	}
	if l.options, err = ort.NewRunOptions(); err != nil {
		return nil, err
	}
	for i, out := range o.Outputs {
		l.outputs[i].Name = out.Name
		if len(out.Shape) == 0 || slices.Min(out.Shape) < 1 {
			continue
		}
		t, err := ort.NewEmptyTensor[float32](out.Shape)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.pinned.Pin(&t.GetData()[0])
		l.values[i], l.kept[i] = t, true
		l.outputs[i].Shape, l.outputs[i].Data = slices.Clone(out.Shape), t.GetData()
	}
	return l, nil
}

// run feeds input and returns the outputs, which are valid until clear.
func (l *lane) run(ctx context.Context, native *ort.DynamicAdvancedSession, input []float32) ([]detector.Tensor, error) {
	if want := l.shape.FlattenedSize(); int64(len(input)) != want {
		return nil, fmt.Errorf("the input has %d values, and the model takes %d", len(input), want)
	}
	// ONNX Runtime reads the caller's own memory.
	var pinned runtime.Pinner
	pinned.Pin(&input[0])
	defer pinned.Unpin()
	in, err := ort.NewTensor(l.shape, input)
	if err != nil {
		return nil, err
	}
	defer in.Destroy()

	if err := l.terminable(ctx, func() error {
		return native.RunWithOptions([]ort.Value{in}, l.values, l.options)
	}); err != nil {
		return nil, err
	}
	for i, v := range l.values {
		if l.kept[i] {
			continue
		}
		t, ok := v.(*ort.Tensor[float32])
		if !ok {
			return nil, fmt.Errorf("output %s is not float32", l.outputs[i].Name)
		}
		l.outputs[i].Shape, l.outputs[i].Data = t.GetShape(), t.GetData()
	}
	return l.outputs, nil
}

// terminable calls run and has ONNX Runtime give it up when ctx is cancelled.
//
// The lane belongs to the next request as soon as this one is done with it, so
// a cancellation that comes late must not hit that: either it is called off
// before it began, or it is waited for and its mark is taken away.
func (l *lane) terminable(ctx context.Context, run func() error) error {
	marked := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { marked <- l.options.Terminate() })
	err := run()
	if stop() {
		return err
	}
	if failed := errors.Join(<-marked, l.options.UnsetTerminate()); failed != nil {
		return failed
	}
	if err != nil {
		return context.Cause(ctx)
	}
	return nil // it was done before the cancellation came
}

// clear lets go of what belongs to the last run alone.
func (l *lane) clear() {
	for i, v := range l.values {
		if l.kept[i] || v == nil {
			continue
		}
		_ = v.Destroy() // frees memory and cannot fail
		l.values[i], l.outputs[i].Shape, l.outputs[i].Data = nil, nil, nil
	}
}

func (l *lane) close() error {
	errs := []error{l.options.Destroy()}
	for _, v := range l.values {
		if v != nil {
			errs = append(errs, v.Destroy())
		}
	}
	l.pinned.Unpin()
	return errors.Join(errs...)
}
