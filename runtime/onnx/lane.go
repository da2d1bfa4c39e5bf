package onnx

import (
	"context"
	"errors"
	"runtime"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
)

// lane is what one run at a time, of so many pictures, needs: outputs whose memory is
// kept between runs where their shape is known, and the handle that terminates the
// run.
type lane struct {
	pictures int
	inputs   []Port
	fed      []ort.Value // the caller's memory, during a run, or that of made
	made     [][]byte    // by input, where it is fed in another type than it comes in
	options  *ort.RunOptions
	// values are the outputs; those of unknown shape are nil between runs.
	values  []ort.Value
	outputs []detector.Tensor
	kept    []bool
	direct  []bool         // by output, where the values of kept ones are read as they are
	own     []memory       // by output, where it is read in another type than it comes in
	pinned  runtime.Pinner // the memory of kept outputs, which C holds pointers to
}

func newLane(o Options, pictures int) (_ *lane, err error) {
	l := &lane{
		pictures: pictures,
		inputs:   slices.Clone(o.Inputs),
		fed:      make([]ort.Value, 0, len(o.Inputs)),
		made:     make([][]byte, len(o.Inputs)),
		values:   make([]ort.Value, len(o.Outputs)),
		outputs:  make([]detector.Tensor, len(o.Outputs)),
		kept:     make([]bool, len(o.Outputs)),
		direct:   make([]bool, len(o.Outputs)),
		own:      make([]memory, len(o.Outputs)),
	}
	for i, in := range l.inputs {
		l.inputs[i].Shape = in.of(pictures)
	}
	if l.options, err = ort.NewRunOptions(); err != nil {
		return nil, err
	}
	for i, out := range o.Outputs {
		out.Shape = out.of(pictures)
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

// keep makes the memory of output i for all runs of the lane, if it is of a type
// that is read as it is, or of half precision.
func (l *lane) keep(i int, out Port) error {
	var err error
	switch out.Type {
	case typeInt64:
		var t *ort.Tensor[int64]
		if t, err = ort.NewEmptyTensor[int64](out.Shape); err == nil {
			l.pinned.Pin(&t.GetData()[0])
			l.values[i], l.outputs[i].Ints = t, t.GetData()
		}
	case typeFloat16:
		var t *ort.CustomDataTensor
		bytes := make([]byte, 2*ort.Shape(out.Shape).FlattenedSize())
		if t, err = ort.NewCustomDataTensor(out.Shape, bytes, ort.TensorElementDataTypeFloat16); err == nil {
			l.pinned.Pin(&bytes[0])
			l.values[i] = t
		}
	case typeFloat32, "":
		var t *ort.Tensor[float32]
		if t, err = ort.NewEmptyTensor[float32](out.Shape); err == nil {
			l.pinned.Pin(&t.GetData()[0])
			l.values[i], l.outputs[i].Data = t, t.GetData()
		}
	default:
		return nil
	}
	l.kept[i], l.direct[i] = err == nil, out.Type != typeFloat16
	l.outputs[i].Shape = slices.Clone(out.Shape)
	return err
}

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
		if l.direct[i] {
			continue
		}
		var err error
		if l.outputs[i], err = l.own[i].read(l.outputs[i].Name, v); err != nil {
			return nil, err
		}
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
		if t, is := v.(*ort.CustomDataTensor); !is || t != nil { // the binding leaves one that it could not make
			_ = v.Destroy() // frees memory and cannot fail
		}
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
