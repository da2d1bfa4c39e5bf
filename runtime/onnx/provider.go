package onnx

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/functions"
)

// The execution providers there are code for, under the names function.yaml has for
// them.
const (
	CPU      = functions.DefaultProvider
	CUDA     = "cuda"
	TensorRT = "tensorrt"
)

// GPU says how the providers of an NVIDIA GPU are set.
type GPU struct {
	// MemoryLimit is the most bytes that CUDA's arena takes. 0: all there are.
	MemoryLimit int64
	// Engines is the folder in which TensorRT keeps what it has built and timed; it is
	// of one model, card and driver alone. Empty: it builds anew at each start.
	Engines string
	// Half lets TensorRT compute in float16.
	Half bool
}

// Passed is an execution provider that was asked for and passed over.
type Passed struct {
	Provider string
	// Reason is a sentence's part, for people.
	Reason string
	// Cause is what ONNX Runtime said.
	Cause error
}

func (p Passed) String() string { return p.Provider + " " + p.Reason }

// refusal is an execution provider's, where the next one may do.
type refusal struct {
	provider string
	err      error
}

func (r *refusal) Error() string { return fmt.Sprintf("execution provider %s: %v", r.provider, r.err) }
func (r *refusal) Unwrap() error { return r.err }

// reason says in words what ONNX Runtime says of a provider that it does not give.
// Its texts are those of version 1.30, session/provider_bridge_ort.cc; another text
// is no more than "will not start".
func (r *refusal) reason() string {
	text := r.err.Error()
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
	}
	switch {
	case says("not enabled in this build", "is not supported in this build", "onnxruntime_providers_shared"):
		return "is not in this build of ONNX Runtime"
	case says("Failed to load shared library", "Failed to load library", "cannot open shared object file"):
		return "misses a library: ONNX Runtime's own for it, CUDA's, cuDNN's or TensorRT's"
	case says("no CUDA-capable device", "CUDA failure 100", "CUDA driver version is insufficient", "CUDA failure 35"):
		return "finds no GPU that it can use"
	}
	return "will not start with this model"
}

// chain is the list of providers to try. ONNX Runtime itself runs on the CPU what
// none of them takes; a list without cpu means that one of them must be there.
func chain(list []string) ([]string, error) {
	if len(list) == 0 {
		return []string{CPU}, nil
	}
	for _, name := range list {
		if name != CPU && name != CUDA && name != TensorRT {
			return nil, functions.Errorf(functions.Unavailable,
				"there is no execution provider %.64q; there are %s, %s and %s", name, CPU, CUDA, TensorRT)
		}
	}
	// What stands behind cpu would never be asked.
	if at := slices.Index(list, CPU); at >= 0 {
		list = list[:at+1]
	}
	return slices.Clone(list), nil
}

// provide asks for the providers in their order.
func provide(options *ort.SessionOptions, providers []string, o Options) error {
	for _, name := range providers {
		var err error
		switch name {
		case CUDA:
			err = provideCUDA(options, o)
		case TensorRT:
			err = provideTensorRT(options, o)
		}
		if err != nil {
			return &refusal{name, err}
		}
	}
	return nil
}

// cudaSettings are what matters for a cold start and a steady state:
//
// The search for convolution algorithms is heuristic. ONNX Runtime's default,
// EXHAUSTIVE, runs all of cuDNN's at the first run of each shape: seconds.
//
// The arena grows by what is asked for. The default doubles it, and what a GPU that
// is shared has too little of is memory.
//
// CUDA graphs are left off: they want inputs and outputs at fixed addresses on the
// device.
func cudaSettings(o Options) map[string]string {
	settings := map[string]string{
		"device_id":                 "0", // of those this process is let see
		"cudnn_conv_algo_search":    "HEURISTIC",
		"arena_extend_strategy":     "kSameAsRequested",
		"do_copy_in_default_stream": "1",
	}
	if o.GPU.MemoryLimit > 0 {
		settings["gpu_mem_limit"] = strconv.FormatInt(o.GPU.MemoryLimit, 10)
	}
	return settings
}

func provideCUDA(options *ort.SessionOptions, o Options) (err error) {
	cuda, err := ort.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cuda.Destroy()) }()
	if err := cuda.Update(cudaSettings(o)); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// tensorRTSettings have one engine for all batch sizes, as it would be built anew
// for each that comes otherwise, and keep what was built and timed.
func tensorRTSettings(o Options) map[string]string {
	settings := map[string]string{"device_id": "0"}
	if o.GPU.Half {
		settings["trt_fp16_enable"] = "1"
	}
	if o.GPU.Engines != "" {
		maps.Copy(settings, map[string]string{
			"trt_engine_cache_enable": "1", "trt_engine_cache_path": o.GPU.Engines,
			"trt_timing_cache_enable": "1", "trt_timing_cache_path": o.GPU.Engines,
		})
	}
	if most := o.mostPictures(); most > 1 {
		settings["trt_profile_min_shapes"] = profile(o.Inputs, 1)
		settings["trt_profile_opt_shapes"] = profile(o.Inputs, most)
		settings["trt_profile_max_shapes"] = profile(o.Inputs, most)
	}
	return settings
}

// profile is the shapes of inputs for n pictures, as TensorRT's provider reads them:
// images:8x3x640x640,sizes:8x2.
func profile(inputs []Port, n int) string {
	var list []string
	for _, in := range inputs {
		var sizes []string
		for _, size := range in.of(n) {
			sizes = append(sizes, strconv.FormatInt(size, 10))
		}
		list = append(list, in.Name+":"+strings.Join(sizes, "x"))
	}
	return strings.Join(list, ",")
}

func provideTensorRT(options *ort.SessionOptions, o Options) (err error) {
	if o.GPU.Engines != "" {
		if err := os.MkdirAll(o.GPU.Engines, 0o700); err != nil {
			return fmt.Errorf("making the folder of engines: %w", err)
		}
	}
	rt, err := ort.NewTensorRTProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Destroy()) }()
	if err := rt.Update(tensorRTSettings(o)); err != nil {
		return err
	}
	return options.AppendExecutionProviderTensorRT(rt)
}
