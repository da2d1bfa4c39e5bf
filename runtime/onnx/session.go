package onnx

import (
	"context"
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed45885407/saccade/runtime/detector"
	"github.com/seed45885407/saccade/runtime/onnx/graphs"
)

// Session is one loaded network. It satisfies detector.Session.
type Session struct {
	environment *Environment
	native      *ort.DynamicAdvancedSession
	graph       *graphs.Graph // what the weights lie in, if not in the session
	options     Options
	providers   []string // that were given, in their order
	passed      []Passed // and those that were not

	running sync.RWMutex // read-locked by every run
	closed  bool

	mu   sync.Mutex
	idle map[int][]*lane // by pictures: as many as there ever were runs at a time
}

func newSession(e *Environment, native *ort.DynamicAdvancedSession, o Options) *Session {
	return &Session{environment: e, native: native, options: o, idle: map[int][]*lane{}}
}

// Optimised says that the session came from a kept graph.
func (s *Session) Optimised() bool { return s.graph != nil }

// Providers are the execution providers that were given, in the order in which they
// are asked for each node of the graph; the CPU is behind them in any case.
func (s *Session) Providers() []string { return s.providers }

// Passed are the providers that were asked for before them and could not be had.
func (s *Session) Passed() []Passed { return s.passed }

// Run feeds inputs, in the order and shapes of the options, and hands the outputs
// to read, in theirs; or those of several pictures, if the options have a batch of as
// many as the first axis of the first input says. They are valid only within read, whose error Run returns. A cancelled ctx
// terminates the run, between two nodes of the graph. Runs may go in parallel;
// each takes memory of its own, which is kept for later runs.
func (s *Session) Run(ctx context.Context, inputs []detector.Tensor, read func(outputs []detector.Tensor) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("running model: %w", context.Cause(ctx))
	}
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed {
		return errors.New("running model: the session is closed")
	}
	l, err := s.lane(inputs)
	if err != nil {
		return fmt.Errorf("running model: %w", err)
	}
	defer s.park(l)
	outputs, err := l.run(ctx, s.native, inputs)
	if err != nil {
		return fmt.Errorf("running model: %w", err)
	}
	return read(outputs)
}

func (s *Session) lane(inputs []detector.Tensor) (*lane, error) {
	pictures, err := s.pictures(inputs)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	idle := s.idle[pictures]
	if n := len(idle); n > 0 {
		l := idle[n-1] // the one whose memory is warmest
		s.idle[pictures] = idle[:n-1]
		return l, nil
	}
	return newLane(s.options, pictures)
}

// pictures is how many are fed: 1 where the first input has no shape. A number that
// no run was made with before would be a cold one, so it is refused.
func (s *Session) pictures(inputs []detector.Tensor) (int, error) {
	if len(inputs) == 0 || len(inputs[0].Shape) == 0 || len(s.options.Inputs) == 0 {
		return 1, nil
	}
	n, one := inputs[0].Shape[0], s.options.Inputs[0].Shape
	if len(one) == 0 || n == one[0] {
		return 1, nil
	}
	for _, batch := range s.options.Batches {
		if n == one[0]*int64(batch) {
			return batch, nil
		}
	}
	return 0, fmt.Errorf("a batch of %d; there are those of 1 and %v", n, s.options.Batches)
}

func (s *Session) park(l *lane) {
	l.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[l.pictures] = append(s.idle[l.pictures], l)
}

// Close waits for the runs and frees the session.
func (s *Session) Close() error {
	s.running.Lock()
	defer s.running.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	errs := []error{}
	for _, idle := range s.idle {
		for _, l := range idle {
			errs = append(errs, l.close())
		}
	}
	errs = append(errs, s.environment.unload(s.native))
	if s.graph != nil {
		errs = append(errs, s.graph.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing session: %w", err)
	}
	return nil
}
