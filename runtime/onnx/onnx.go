// Package onnx owns ONNX Runtime: the process-wide [Environment], and the
// [Session]s in it that run a network.
//
// It receives the path of the shared library, a [Model] and [Options], and hands
// on sessions that satisfy detector.Session. It refuses execution providers it
// cannot give, and models that ONNX Runtime will not load or that are not the ones
// their sum says. It is the one room that speaks C.
//
// The order of a start, in which the first two go side by side:
//
//	environment, err := onnx.Open(path)           // the library: 12 to 20 ms
//	model, err := onnx.Prepare(file, source)      // the bytes: 5 ms for 10 MB
//	session, err := environment.NewSession(model, options)
//	...                                           // ready
//	err = environment.Keep(model, options)        // for the next start
package onnx

import (
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/functions"
)

// Environment is ONNX Runtime in this process. There is one at a time, opened
// before the first session and closed after the last.
type Environment struct {
	version string

	mu       sync.Mutex
	sessions int
	closed   bool
}

// Open loads ONNX Runtime's shared library. Telemetry is off, and the library
// logs errors alone.
func Open(path string) (*Environment, error) {
	fewArenas()
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return nil, functions.Errorf(functions.Unavailable, "ONNX Runtime cannot be loaded").
			Because(fmt.Errorf("loading %s: %w", path, err))
	}
	if err := ort.DisableTelemetry(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening ONNX Runtime: %w", err), ort.DestroyEnvironment())
	}
	return &Environment{version: ort.GetVersion()}, nil
}

// Version is ONNX Runtime's own, for example 1.30.0.
func (e *Environment) Version() string { return e.version }

// Close unloads ONNX Runtime. Every session must have been closed.
func (e *Environment) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	if e.sessions > 0 {
		return fmt.Errorf("closing ONNX Runtime: %d sessions are open", e.sessions)
	}
	e.closed = true
	if err := ort.DestroyEnvironment(); err != nil {
		return fmt.Errorf("closing ONNX Runtime: %w", err)
	}
	return nil
}

// enter counts a session, so that the environment outlives it.
func (e *Environment) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errors.New("ONNX Runtime is closed")
	}
	e.sessions++
	return nil
}

func (e *Environment) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sessions--
}
