package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// start is the way from nothing to ready:
//
//	loading -> loaded -> ready
//	      \-> failed <-/
//
// From loaded on, pictures run. The first run that succeeds, of a picture or on
// nothing, makes it ready.
type start struct {
	began  time.Time
	loaded chan struct{} // closed when function is set
	ready  chan struct{} // closed when ledger is complete
	failed chan struct{} // closed when err is set
	told   chan struct{} // closed when err has been handed to whom it concerns
	tell   sync.Once

	mu       sync.Mutex
	function Function
	runs     slots
	ledger   functions.Start
	err      error     // what everyone is told
	end      time.Time // of the loading
	warming  bool      // a run on nothing has been begun
	pending  int       // pictures that are decoded, and not through their run
	quiet    chan struct{}
}

func newStart(o Options) *start {
	return &start{
		began:  o.Began,
		loaded: make(chan struct{}), ready: make(chan struct{}), failed: make(chan struct{}), told: make(chan struct{}),
		ledger: functions.Start{Start: functions.Millis(max(0, o.Asked))},
	}
}

// Start loads the function and makes it ready. It returns when that is done, or
// has failed, with the reason as it came; a server starts once.
//
// A picture that is already decoded when the function is loaded makes the first
// run, which is then the warm-up: it need not wait for a run on nothing. What load
// made is its caller's to close, after [Server.Drain].
func (s *Server) Start(ctx context.Context, load func(ctx context.Context) (Function, error)) error {
	st := s.start
	f, err := load(ctx)
	if err == nil && f.Parallel < 1 {
		err = errors.New("a function of no parallel runs")
	}
	if err != nil {
		return st.fail(fmt.Errorf("loading function: %w", err))
	}
	st.open(f)
	for {
		quiet := st.warmUnlessPending()
		if quiet == nil {
			st.warm(ctx)
		}
		select {
		case <-st.ready:
			return nil
		case <-st.failed:
			return errors.Unwrap(st.failure())
		case <-quiet: // the pictures have gone without a run that succeeded
		case <-ctx.Done():
			return st.fail(context.Cause(ctx))
		}
	}
}

// Ledger is what the start was spent on, once Start has returned without error.
func (s *Server) Ledger() functions.Start { return s.start.spent() }

// Told is closed when whoever asked for the start's end has been told that it
// failed.
func (s *Server) Told() <-chan struct{} { return s.start.told }

// open lets the pictures run.
func (st *start) open(f Function) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.function, st.runs = f, newSlots(f.places())
	st.end = time.Now()
	st.ledger.Load = functions.Millis(st.end.Sub(st.began))
	close(st.loaded)
}

// warmUnlessPending is nil where the next run is one on nothing, else it is closed
// when no picture is pending any more.
func (st *start) warmUnlessPending() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.pending == 0 {
		st.warming = true
		return nil
	}
	st.quiet = make(chan struct{})
	return st.quiet
}

// warm makes a run on nothing.
func (st *start) warm(ctx context.Context) {
	release, err := st.runs.take(ctx, st.failed, st.failure)
	if err != nil {
		return // Start sees why
	}
	defer release()
	if !st.isReady() { // a picture that came meanwhile may have been faster
		st.ran(ctx, st.function.Detector.Warm(ctx))
	}
}

// enter counts a decoded picture in, and leave out.
func (st *start) enter() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pending++
}

func (st *start) leave() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.pending--; st.pending == 0 && st.quiet != nil {
		close(st.quiet)
		st.quiet = nil
	}
}

// run waits for the function and a place among its runs.
func (st *start) run(ctx context.Context) (f Function, release func(), err error) {
	select {
	case <-st.loaded:
	case <-st.failed:
		return f, nil, st.failure()
	case <-ctx.Done():
		return f, nil, context.Cause(ctx)
	}
	release, err = st.runs.take(ctx, st.failed, st.failure)
	return st.function, release, err
}

// ran learns from the first runs: one that succeeds makes the function ready; one
// that fails, and neither by its caller's going nor by what it asked, will not be
// the only one. It says whether it was this run that made the function ready.
func (st *start) ran(ctx context.Context, err error) (first bool) {
	switch {
	case st.isReady():
	case err == nil:
		st.mu.Lock()
		defer st.mu.Unlock()
		if st.isReady() || st.err != nil {
			return false
		}
		if st.warming {
			st.ledger.Warmup = functions.Since(st.end)
		}
		close(st.ready)
		return true
	case ctx.Err() == nil && functions.KindOf(err) != functions.Invalid:
		_ = st.fail(fmt.Errorf("first run: %w", err))
	}
	return false
}

// fail ends the start and everyone's waiting for it, and returns err. What they
// are told is an Unavailable error around it, whose detail is err's own where that
// is meant to be read.
func (st *start) fail(err error) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.err == nil {
		said := &functions.Error{Kind: functions.Unavailable, Detail: "the function could not be started", Cause: err}
		if e, ok := errors.AsType[*functions.Error](err); ok {
			said.Detail = e.Detail
		}
		st.err = said
		close(st.failed)
	}
	return err
}

func (st *start) isReady() bool {
	select {
	case <-st.ready:
		return true
	default:
		return false
	}
}

// failure is why the start failed, nil where it has not.
func (st *start) failure() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.err
}

// spent is the ledger, complete once a run has succeeded.
func (st *start) spent() functions.Start {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.ledger
}

// state is the function and how many of its runs go on, once it is loaded.
func (st *start) state() (f Function, running int, loaded bool) {
	select {
	case <-st.loaded:
		return st.function, len(st.runs), true
	default:
		return f, 0, false
	}
}

// wait blocks until the start has ended one way or the other.
func (st *start) wait(ctx context.Context) (functions.Start, error) {
	select {
	case <-st.ready:
		return st.spent(), nil
	case <-st.failed:
		return functions.Start{}, st.failure()
	case <-ctx.Done():
		return functions.Start{}, context.Cause(ctx)
	}
}
