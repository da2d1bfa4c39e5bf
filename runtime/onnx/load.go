package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/onnx/graphs"
)

// Options say how a model is run.
type Options struct {
	// Providers are execution providers in order of preference; empty means cpu.
	Providers []string
	// Require is the one of them without which there is no session. Empty: none.
	Require string
	// GPU is for those that need one.
	GPU GPU
	// Threads is the number of intra-op threads of one run. 0 means 1.
	Threads int
	// Inputs are fed in this order, each with what every run gives it.
	Inputs []Port
	// Outputs are those that are read.
	Outputs []Port
	// Batches are the numbers of pictures of one run, beside 1. Ports have the shapes
	// of one picture; those of n have n times as many along the first axis.
	Batches []int
}

// mostPictures is the most of one run.
func (o Options) mostPictures() int { return max(1, slices.Max(append([]int{1}, o.Batches...))) }

// Port is an input that is fed or an output that is read.
type Port struct {
	Name string
	// Type is the graph's, as NumPy names it. An input is float32, float16, uint8 or
	// int64, and what is fed is converted; an output may be of any numeric type but
	// uint64, and is converted too. Empty: float32.
	Type string
	// Shape is that of every run, so that memory for an output can be kept. Nil, or
	// -1 in any axis of an output: only a run can tell.
	Shape []int64
}

// of is the shape for n pictures.
func (p Port) of(n int) []int64 {
	shape := slices.Clone(p.Shape)
	if len(shape) > 0 && shape[0] > 0 {
		shape[0] *= int64(n)
	}
	return shape
}

// names are what the graph calls ports.
func names(ports []Port) []string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.asked()
	}
	return list
}

// NewSession loads m on the first of the providers that can be had, and those behind
// it for what it does not take; [Session.Passed] tells of those that cannot. An
// optimised graph that another version has made, or that fails to load, is not used:
// the model itself is loaded instead. Graphs are kept of the CPU alone.
func (e *Environment) NewSession(m *Model, o Options) (*Session, error) {
	left, err := chain(o.Providers)
	if err != nil {
		return nil, err
	}
	var passed []Passed
	for len(left) > 0 {
		s, err := e.newSession(m, o, left)
		if err == nil {
			s.providers, s.passed, m.provider = left, passed, left[0]
			return s, nil
		}
		refused, is := errors.AsType[*refusal](err)
		if !is {
			return nil, err
		}
		if refused.provider == o.Require {
			return nil, functions.Errorf(functions.Unavailable, "the function requires execution provider %s, which %s",
				refused.provider, refused.reason()).Because(err)
		}
		passed = append(passed, Passed{refused.provider, refused.reason(), refused.err})
		left = slices.DeleteFunc(left, func(name string) bool { return name == refused.provider })
	}
	said, causes := []string{}, []error{}
	for _, p := range passed {
		said, causes = append(said, p.String()), append(causes, p.Cause)
	}
	return nil, functions.Errorf(functions.Unavailable, "no execution provider that the function allows can be had: %s",
		strings.Join(said, "; ")).Because(errors.Join(causes...))
}

// newSession loads m on these providers. Its error is a *refusal where one of them,
// and not the model, is why.
func (e *Environment) newSession(m *Model, o Options, providers []string) (*Session, error) {
	if providers[0] != CPU {
		if err := m.read(); err != nil {
			return nil, err
		}
		native, err := e.load(m.bytes, o, source{providers: providers})
		if refused, is := errors.AsType[*refusal](err); is {
			return nil, refused
		} else if err != nil {
			return nil, &refusal{providers[0], err}
		}
		return newSession(e, native, o), nil
	}
	m.recall()
	if m.graph != nil {
		if m.graph.Version == e.version {
			if native, err := e.load(m.graph.Content, o, source{optimised: true}); err == nil {
				s := newSession(e, native, o)
				s.graph, m.graph = m.graph, nil // the session reads weights from it
				return s, nil
			}
		}
		if err := m.distrust(); err != nil {
			return nil, err
		}
	}
	native, err := e.load(m.bytes, o, source{})
	if err != nil {
		return nil, functions.Errorf(functions.Unavailable, "ONNX Runtime cannot load the model").Because(err)
	}
	return newSession(e, native, o), nil
}

// Keep optimises m's graph and puts it into the cache, for the next start. It
// does nothing where the session came from there, runs on a GPU, or where there is no
// cache.
//
// It makes a second session, which costs as long as the first did, and belongs
// after readiness: made on the way there, the graph delays the first start by
// about half of its load.
func (e *Environment) Keep(m *Model, o Options) error {
	if m.bytes == nil || m.key == (graphs.Key{}) || m.provider != "" && m.provider != CPU {
		return nil
	}
	return m.cache.Write(m.key, e.version, func(path string) error {
		built, err := e.load(m.bytes, o, source{keep: path})
		if err != nil {
			return err
		}
		if err := e.unload(built); err != nil {
			return err
		}
		return e.prove(path, o)
	})
}

// prove loads the graph at path once: a full disk is not always reported by whom
// it happens to.
func (e *Environment) prove(path string, o Options) error {
	content, err := mapFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Munmap(content) }() // after the session that reads in it
	proved, err := e.load(content, o, source{optimised: true})
	if err != nil {
		return fmt.Errorf("the graph cannot be loaded again: %w", err)
	}
	return e.unload(proved)
}

func (e *Environment) unload(s *ort.DynamicAdvancedSession) error {
	defer e.leave()
	return s.Destroy()
}

// source says what the bytes of a session are, and what becomes of them.
type source struct {
	// providers are asked for in this order. Empty: cpu.
	providers []string
	// optimised bytes are a graph's, and must outlive the session.
	optimised bool
	// keep is where the graph is saved. Empty: nowhere.
	keep string
}

// load makes a native session from the bytes of a model or of an optimised graph.
func (e *Environment) load(content []byte, o Options, from source) (*ort.DynamicAdvancedSession, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	s, err := load(content, o, from)
	if err != nil {
		e.leave()
		return nil, fmt.Errorf("loading model: %w", err)
	}
	return s, nil
}

func load(content []byte, o Options, from source) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	level := ort.GraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll)
	if from.optimised {
		level = ort.GraphOptimizationLevelDisableAll
	}
	settings := []func() error{
		func() error { return options.SetLogSeverityLevel(ort.LoggingLevelError) },
		func() error { return options.SetGraphOptimizationLevel(level) },
		func() error { return options.SetExecutionMode(ort.ExecutionModeSequential) },
		func() error { return options.SetIntraOpNumThreads(max(1, o.Threads)) },
		func() error { return options.SetInterOpNumThreads(1) },
		// The arena keeps the memory of a run for the next. Planning it as one block
		// a run (the memory pattern) is no faster and takes a quarter more.
		func() error { return options.SetCpuMemArena(true) },
		func() error { return options.SetMemPattern(false) },
		// Threads that spin between runs take the cores of other instances.
		func() error { return options.AddSessionConfigEntry("session.force_spinning_stop", "1") },
	}
	if from.optimised {
		// ONNX Runtime's own format is read in place: the weights stay in the mapped
		// file, which all instances share.
		for _, key := range []string{"session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers"} {
			settings = append(settings, func() error { return options.AddSessionConfigEntry(key, "1") })
		}
		settings = append(settings, func() error { return options.AddSessionConfigEntry("session.load_model_format", "ORT") })
	} else {
		settings = append(settings, func() error { return options.AddSessionConfigEntry("session.load_model_format", "ONNX") })
	}
	if from.keep != "" {
		settings = append(settings,
			func() error { return options.AddSessionConfigEntry("session.save_model_format", "ORT") },
			func() error { return options.SetOptimizedModelFilePath(from.keep) })
	}
	for _, set := range settings {
		if err := set(); err != nil {
			return nil, err
		}
	}
	if err := provide(options, from.providers, o); err != nil {
		return nil, err
	}
	if !from.optimised {
		content = widen(content, o.Outputs)
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(content, names(o.Inputs), names(o.Outputs), options)
}
