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

	running sync.RWMutex // read-locked by every run
	closed  bool

	mu   sync.Mutex
	idle []*lane // as many as there ever were runs at a time
}

func newSession(e *Environment, native *ort.DynamicAdvancedSession, o Options) *Session {
	return &Session{environment: e, native: native, options: o}
}

// Optimised says that the session came from a kept graph.
func (s *Session) Optimised() bool { return s.graph != nil }

// Run feeds inputs, in the order and shapes of the options, and hands the outputs
// to read, in theirs. They are valid only within read, whose error Run returns. A cancelled ctx
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
	l, err := s.lane()
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

func (s *Session) lane() (*lane, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		l := s.idle[n-1] // the one whose memory is warmest
		s.idle = s.idle[:n-1]
		return l, nil
	}
	return newLane(s.options)
}

func (s *Session) park(l *lane) {
	l.clear()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, l)
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
	for _, l := range s.idle {
		errs = append(errs, l.close())
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
