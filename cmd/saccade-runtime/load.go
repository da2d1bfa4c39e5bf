package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/device"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/schedule"
	"github.com/seed45885407/saccade/runtime/serve"
	"github.com/seed45885407/saccade/runtime/vision"
)

// loading is what a start has made so far.
type loading struct {
	config      config
	fetch       func() error // brings the model; nil: it is there
	native      *native      // shared with other models; nil: this one's own
	function    functions.Function
	recognised  inspect.Recognised
	own         native
	environment *onnx.Environment
	model       *onnx.Model
	options     onnx.Options
	gpu         device.GPU // zero: none
	session     *onnx.Session
	batcher     *schedule.Batcher // nil: each picture runs alone
	optimised   bool
}

// load makes the function: its declaration and its model's bytes on one side,
// ONNX Runtime's library on the other, and from both the session.
func (l *loading) load(ctx context.Context) (serve.Function, error) {
	var found *detector.Detector
	var sides errgroup.Group
	sides.Go(func() (err error) {
		shared := l.native
		if shared == nil {
			l.own.library = l.config.library
			shared = &l.own
		}
		l.environment, err = shared.open()
		return err
	})
	sides.Go(func() (err error) {
		found, err = l.declare()
		return err
	})
	if err := sides.Wait(); err != nil {
		return serve.Function{}, err
	}
	if err := l.pick(); err != nil {
		return serve.Function{}, err
	}
	var err error
	if l.session, err = l.environment.NewSession(l.model, l.options); err != nil {
		return serve.Function{}, err
	}
	l.optimised = l.session.Optimised()
	runs, err := l.gather(ctx)
	if err != nil {
		return serve.Function{}, err
	}
	f := serve.Function{
		Name:      l.function.Metadata.Name,
		Detector:  network{found, runs},
		ModelSum:  l.model.Sum(),
		Parallel:  l.function.Spec.Runtime.Parallel,
		Batch:     l.function.Spec.Runtime.Batch.Max,
		Providers: l.session.Providers(),
	}
	for _, p := range l.session.Passed() {
		f.Passed = append(f.Passed, functions.PassedProvider{Provider: p.Provider, Reason: p.Reason})
	}
	if l.batcher != nil {
		f.Runs = l.batcher.Runs
	}
	if f.Providers[0] != functions.ProviderCPU {
		f.Device = l.gpu
	}
	return f, nil
}

// declare reads the function's declaration and the model it names.
func (l *loading) declare() (*detector.Detector, error) {
	if l.fetch != nil {
		if err := l.fetch(); err != nil {
			return nil, err
		}
	}
	found, err := l.config.declaration()
	if err != nil {
		return nil, err
	}
	l.function = found.function
	spec := l.function.Spec

	// The model's bytes are summed while its head is read.
	var sides errgroup.Group
	sides.Go(func() (err error) {
		l.model, err = onnx.Prepare(onnx.Source{
			Path: found.model, Sum: found.sum, Cache: l.config.graphs(), Providers: spec.Runtime.Providers,
		})
		return err
	})
	sides.Go(func() error {
		m, err := inspect.Inspect(found.model)
		if err != nil {
			return err
		}
		if l.options.Batches, err = batches(spec.Runtime.Batch.Max, m); err != nil {
			return err
		}
		if l.recognised, err = inspect.Recognise(m, l.function); err != nil {
			return err
		}
		return separable(l.options.Batches, l.recognised)
	})
	if err := sides.Wait(); err != nil {
		return nil, err
	}
	r := l.recognised
	l.options = onnx.Options{
		Providers: spec.Runtime.Providers, Require: spec.Runtime.Require, Threads: spec.Runtime.Threads,
		Inputs: ports(r.Inputs), Outputs: ports(r.Outputs), Batches: l.options.Batches,
	}
	return detector.New(detector.Options{
		Family: r.Family, InputSize: r.InputSize, Feed: r.Feed, Read: r.Read, Layout: r.Layout, Beside: r.Beside,
		Labels: r.Labels, Thresholds: spec.Thresholds,
	})
}

func ports(of []inspect.Port) []onnx.Port {
	list := make([]onnx.Port, len(of))
	for i, p := range of {
		list[i] = onnx.Port(p)
	}
	return list
}

// settle does what can wait until the function is ready: the graph is kept for
// the next start, and memory that only loading needed is given back.
func (l *loading) settle() error {
	err := errors.Join(l.environment.Keep(l.model, l.options), l.model.Close())
	tidy()
	return err
}

// close frees what load made, the last first; an ONNX Runtime that is shared stays
// open.
func (l *loading) close() error {
	var errs []error
	if l.batcher != nil {
		l.batcher.Close()
	}
	if l.session != nil {
		errs = append(errs, l.session.Close())
	}
	if l.model != nil {
		errs = append(errs, l.model.Close())
	}
	errs = append(errs, l.own.close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// network is a detector with the session it runs.
type network struct {
	detector *detector.Detector
	session  detector.Session
}

func (n network) Warm(ctx context.Context) error { return n.detector.Warm(ctx, n.session) }

func (n network) Detect(
	ctx context.Context, p *vision.Picture, ask functions.Parameters,
) ([]functions.Detection, functions.Timing, error) {
	return n.detector.Detect(ctx, n.session, p, ask)
}
