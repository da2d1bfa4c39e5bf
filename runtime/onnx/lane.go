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
	inputs  []Port
	fed     []ort.Value // the caller's memory, during a run
	options *ort.RunOptions
	// values are the outputs; those of unknown shape are nil between runs.
	values  []ort.Value
	outputs []detector.Tensor
	kept    []bool
	pinned  runtime.Pinner // the memory of kept outputs, which C holds pointers to
}

func newLane(o Options) (_ *lane, err error) {
	l := &lane{
		inputs:  o.Inputs,
		fed:     make([]ort.Value, 0, len(o.Inputs)),
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
		if err := l.keep(i, out); err != nil {
			return nil, errors.Join(err, l.close())
		}
	}
	return l, nil
}

// keep makes the memory of output i for all runs of the lane.
func (l *lane) keep(i int, out Port) error {
	var err error
	if out.Type == typeInt64 {
		var t *ort.Tensor[int64]
		if t, err = ort.NewEmptyTensor[int64](out.Shape); err == nil {
			l.pinned.Pin(&t.GetData()[0])
			l.values[i], l.outputs[i].Ints = t, t.GetData()
		}
	} else {
		var t *ort.Tensor[float32]
		if t, err = ort.NewEmptyTensor[float32](out.Shape); err == nil {
			l.pinned.Pin(&t.GetData()[0])
			l.values[i], l.outputs[i].Data = t, t.GetData()
		}
	}
	l.kept[i], l.outputs[i].Shape = err == nil, slices.Clone(out.Shape)
	return err
}

// typeInt64 is what a Port's type is where it is not float32.
const typeInt64 = "int64"

// run feeds inputs and returns the outputs, which are valid until clear.
func (l *lane) run(ctx context.Context, native *ort.DynamicAdvancedSession, inputs []detector.Tensor) ([]detector.Tensor, error) {
	// ONNX Runtime reads the caller's own memory.
	var pinned runtime.Pinner
	defer pinned.Unpin()
	defer l.unfeed()
	if err := l.feed(&pinned, inputs); err != nil {
		return nil, err
	}
	if err := l.terminable(ctx, func() error {
		return native.RunWithOptions(l.fed, l.values, l.options)
	}); err != nil {
		return nil, err
	}
	for i, v := range l.values {
		if l.kept[i] {
			continue
		}
		switch t := v.(type) {
		case *ort.Tensor[float32]:
			l.outputs[i].Data = t.GetData()
		case *ort.Tensor[int64]:
			l.outputs[i].Ints = t.GetData()
		default:
			return nil, fmt.Errorf("output %s is neither float32 nor int64", l.outputs[i].Name)
		}
		l.outputs[i].Shape = v.GetShape()
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
		l.values[i], l.outputs[i] = nil, detector.Tensor{Name: l.outputs[i].Name}
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
