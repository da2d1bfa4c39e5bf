package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/models/inspect"
	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/device"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/schedule"
)

// withCores has as many runs at a time as this process has cores, where the function
// does not say how many.
func withCores(f functions.Function) functions.Function {
	if r := &f.Spec.Runtime; r.Parallel == 0 && !f.Spec.Scaling.IsLambda() {
		r.Parallel = max(1, schedule.Cores()/max(1, r.Threads))
	}
	return f
}

// batches are the sizes in which pictures run together, beside 1.
func batches(most int, m *inspect.Model) ([]int, error) {
	if most < 2 {
		return nil, nil
	}
	for _, in := range m.Inputs {
		if len(in.Shape) == 0 || in.Shape[0].Size >= 0 {
			return nil, functions.Errorf(functions.Unavailable,
				"spec.runtime.batch.max is %d, and the model takes one picture a run: its input is %v; export it with a free first axis", most, in)
		}
	}
	return schedule.Sizes(most), nil
}

// separable refuses batches of what cannot be told apart afterwards: outputs that list
// the boxes of all pictures together, and inputs whose first axis is not the batch.
func separable(batches []int, r inspect.Recognised) error {
	if len(batches) == 0 {
		return nil
	}
	switch r.Family {
	case functions.FamilyYOLOv7E2E, functions.FamilySSD, functions.FamilyNMSIndices, functions.FamilyPaddle:
		return functions.Errorf(functions.Unavailable,
			"spec.runtime.batch.max is more than 1, and a model of the family %s lists the boxes of all its pictures together", r.Family)
	}
	if r.Layout == functions.LayoutCHW || r.Layout == functions.LayoutHWC {
		return functions.Errorf(functions.Unavailable,
			"spec.runtime.batch.max is more than 1, and the model's input, %s, has no axis for it", r.Layout)
	}
	return nil
}

// pick settles which GPU is used, and how. It comes before any of CUDA is loaded, and
// does nothing for a function that runs on the CPU.
func (l *loading) pick() error {
	spec := l.function.Spec
	if spec.Runtime.Providers[0] == functions.ProviderCPU {
		return nil
	}
	if spec.Runtime.Device != "" {
		// CUDA itself knows GPUs, and parts of one, by their UUID; what it is let see is
		// numbered from 0. Source: CUDA C++ programming guide, "CUDA environment
		// variables".
		if err := os.Setenv("CUDA_VISIBLE_DEVICES", spec.Runtime.Device); err != nil {
			return fmt.Errorf("choosing the GPU: %w", err)
		}
	}
	l.options.GPU.Half = spec.Runtime.Precision == functions.PrecisionFP16
	if spec.Resources.GPUMemory != "" {
		bytes, err := catalog.ParseMemory(spec.Resources.GPUMemory)
		if err != nil {
			return fmt.Errorf("spec.resources.gpuMemory: %w", err)
		}
		l.options.GPU.MemoryLimit = bytes
	}
	gpu, known := device.Find(device.List(os.DirFS("/")), spec.Runtime.Device)
	if known && l.config.cache != "" {
		// An engine is good for one model, card, driver and library, and knows what it
		// was built for of the rest.
		l.options.GPU.Engines = filepath.Join(l.config.cache, "engines",
			fmt.Sprintf("%s-%s-%s", l.model.Sum(), gpu.Key(), l.environment.Version()))
	}
	l.gpu = gpu
	return nil
}

// gather puts a batcher before the session, where pictures run together, and makes a
// run of each of its sizes: no request is to pay for a first one.
func (l *loading) gather(ctx context.Context) (detector.Session, error) {
	r := l.function.Spec.Runtime
	if r.Batch.Max < 2 {
		return l.session, nil
	}
	var like []detector.Tensor
	for _, in := range l.options.Inputs {
		like = append(like, blank(in))
	}
	var err error
	l.batcher, err = schedule.New(l.session, schedule.Options{
		Most: r.Batch.Max, Delay: time.Duration(r.Batch.Delay), Parallel: r.Parallel, Like: like,
	})
	if err != nil {
		return nil, err
	}
	if err := l.batcher.Warm(ctx); err != nil {
		return nil, functions.Errorf(functions.Unavailable,
			"spec.runtime.batch.max is %d, and the model does not run so many pictures together", r.Batch.Max).Because(err)
	}
	return l.batcher, nil
}

// blank is one picture's input of nothing.
func blank(p onnx.Port) detector.Tensor {
	values := int64(1)
	for _, n := range p.Shape {
		values *= n
	}
	t := detector.Tensor{Name: p.Name, Shape: p.Shape}
	if p.Type == "int64" {
		t.Ints = make([]int64, values)
	} else {
		t.Data = make([]float32, values)
	}
	return t
}

// sayPassed says which execution providers the function prefers and does not have.
func (l *loading) sayPassed(log *slog.Logger) {
	for _, p := range l.session.Passed() {
		log.Warn("execution provider passed over", "provider", p.Provider, "because", p.Reason, "error", p.Cause)
	}
}
