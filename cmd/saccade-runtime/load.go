package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	"github.com/seed45885407/saccade/runtime/serve"
	"github.com/seed45885407/saccade/runtime/vision"
)

// loading is what a start has made so far.
type loading struct {
	config      config
	function    functions.Function
	recognised  inspect.Recognised
	environment *onnx.Environment
	model       *onnx.Model
	options     onnx.Options
	session     *onnx.Session
	optimised   bool
}

// load makes the function: its declaration and its model's bytes on one side,
// ONNX Runtime's library on the other, and from both the session.
func (l *loading) load(ctx context.Context) (serve.Function, error) {
	var found *detector.Detector
	var sides errgroup.Group
	sides.Go(func() error {
		path, err := library.Find(l.config.library)
		if err != nil {
			return err
		}
		l.environment, err = onnx.Open(path)
		return err
	})
	sides.Go(func() (err error) {
		found, err = l.declare()
		return err
	})
	if err := sides.Wait(); err != nil {
		return serve.Function{}, err
	}
	var err error
	if l.session, err = l.environment.NewSession(l.model, l.options); err != nil {
		return serve.Function{}, err
	}
	l.optimised = l.session.Optimised()
	return serve.Function{
		Detector: network{found, l.session},
		ModelSum: l.model.Sum(),
		Parallel: l.function.Spec.Runtime.Parallel,
	}, nil
}

// declare reads the function's declaration and the model it names.
func (l *loading) declare() (*detector.Detector, error) {
	f, err := catalog.ReadFile(l.config.function)
	if err != nil {
		return nil, functions.Errorf(functions.Unavailable, "the function's declaration cannot be read").Because(err)
	}
	l.function = f.WithDefaults()
	spec := l.function.Spec

	// The model's bytes are summed while its head is read.
	var sides errgroup.Group
	sides.Go(func() (err error) {
		l.model, err = onnx.Prepare(onnx.Source{
			Path: l.config.model, Sum: l.config.modelSum, Cache: l.config.graphs(), Providers: spec.Runtime.Providers,
		})
		return err
	})
	sides.Go(func() error {
		m, err := inspect.Inspect(l.config.model)
		if err != nil {
			return err
		}
		l.recognised, err = inspect.Recognise(m, l.function)
		return err
	})
	if err := sides.Wait(); err != nil {
		return nil, err
	}
	r := l.recognised
	l.options = onnx.Options{
		Providers: spec.Runtime.Providers, Threads: spec.Runtime.Threads,
		Inputs: ports(r.Inputs), Outputs: ports(r.Outputs),
	}
	return detector.New(detector.Options{
		Family: r.Family, InputSize: r.InputSize, Labels: r.Labels, Thresholds: spec.Thresholds,
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

// close frees what load made, the last first.
func (l *loading) close() error {
	var errs []error
	if l.session != nil {
		errs = append(errs, l.session.Close())
	}
	if l.model != nil {
		errs = append(errs, l.model.Close())
	}
	if l.environment != nil {
		errs = append(errs, l.environment.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// network is a detector with the session it runs.
type network struct {
	detector *detector.Detector
	session  *onnx.Session
}

func (n network) Warm(ctx context.Context) error { return n.detector.Warm(ctx, n.session) }

func (n network) Detect(
	ctx context.Context, p *vision.Picture, ask functions.Parameters,
) ([]functions.Detection, functions.Timing, error) {
	return n.detector.Detect(ctx, n.session, p, ask)
}
