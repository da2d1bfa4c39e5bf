package onnx

import (
	"fmt"
	"syscall"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/onnx/graphs"
)

// Options say how a model is run.
type Options struct {
	// Providers are execution providers in order of preference; empty means cpu,
	// which is the only one there is for now.
	Providers []string
	// Threads is the number of intra-op threads of one run. 0 means 1.
	Threads int
	// Inputs are fed in this order, each with what every run gives it.
	Inputs []Port
	// Outputs are those that are read.
	Outputs []Port
}

// Port is an input that is fed or an output that is read.
type Port struct {
	Name string
	// Type is float32 or int64.
	Type string
	// Shape is that of every run, so that memory for an output can be kept. Nil, or
	// -1 in any axis of an output: only a run can tell.
	Shape []int64
}

// names are those of ports.
func names(ports []Port) []string {
	list := make([]string, len(ports))
	for i, p := range ports {
		list[i] = p.Name
	}
	return list
}

func provider(list []string) (string, error) {
	for _, name := range list {
		if name == functions.DefaultProvider {
			return name, nil
		}
	}
	if len(list) > 0 {
		return "", functions.Errorf(functions.Unavailable,
			"none of the execution providers %q is there; this runtime has cpu", list)
	}
	return functions.DefaultProvider, nil
}

// NewSession loads m. An optimised graph that another version has made, or that
// fails to load, is not used: the model itself is loaded instead.
func (e *Environment) NewSession(m *Model, o Options) (*Session, error) {
	if _, err := provider(o.Providers); err != nil {
		return nil, err
	}
	if m.graph != nil {
		if m.graph.Version == e.version {
			if native, err := e.load(m.graph.Content, o, true, ""); err == nil {
				s := newSession(e, native, o)
				s.graph, m.graph = m.graph, nil // the session reads weights from it
				return s, nil
			}
		}
		if err := m.distrust(); err != nil {
			return nil, err
		}
	}
	native, err := e.load(m.bytes, o, false, "")
	if err != nil {
		return nil, functions.Errorf(functions.Unavailable, "ONNX Runtime cannot load the model").Because(err)
	}
	return newSession(e, native, o), nil
}

// Keep optimises m's graph and puts it into the cache, for the next start. It
// does nothing where the session came from there, or where there is no cache.
//
// It makes a second session, which costs as long as the first did, and belongs
// after readiness: made on the way there, the graph delays the first start by
// about half of its load.
func (e *Environment) Keep(m *Model, o Options) error {
	if m.bytes == nil || m.key == (graphs.Key{}) {
		return nil
	}
	return m.cache.Write(m.key, e.version, func(path string) error {
		built, err := e.load(m.bytes, o, false, path)
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
	proved, err := e.load(content, o, true, "")
	if err != nil {
		return fmt.Errorf("the graph cannot be loaded again: %w", err)
	}
	return e.unload(proved)
}

func (e *Environment) unload(s *ort.DynamicAdvancedSession) error {
	defer e.leave()
	return s.Destroy()
}

// load makes a native session from the bytes of a model, or with optimised set
// from those of an optimised graph, which must then outlive it. The graph is
// saved at the path keep, where that is not empty.
func (e *Environment) load(content []byte, o Options, optimised bool, keep string) (*ort.DynamicAdvancedSession, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	s, err := load(content, o, optimised, keep)
	if err != nil {
		e.leave()
		return nil, fmt.Errorf("loading model: %w", err)
	}
	return s, nil
}

func load(content []byte, o Options, optimised bool, keep string) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	level := ort.GraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll)
	if optimised {
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
	if optimised {
		// ONNX Runtime's own format is read in place: the weights stay in the mapped
		// file, which all instances share.
		for _, key := range []string{"session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers"} {
			settings = append(settings, func() error { return options.AddSessionConfigEntry(key, "1") })
		}
		settings = append(settings, func() error { return options.AddSessionConfigEntry("session.load_model_format", "ORT") })
	} else {
		settings = append(settings, func() error { return options.AddSessionConfigEntry("session.load_model_format", "ONNX") })
	}
	if keep != "" {
		settings = append(settings,
			func() error { return options.AddSessionConfigEntry("session.save_model_format", "ORT") },
			func() error { return options.SetOptimizedModelFilePath(keep) })
	}
	for _, set := range settings {
		if err := set(); err != nil {
			return nil, err
		}
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(content, names(o.Inputs), names(o.Outputs), options)
}
