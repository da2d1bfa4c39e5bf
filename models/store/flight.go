package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// meter is how far a download is: written by it, read by all who wait.
type meter struct{ done, total atomic.Int64 }

func (m *meter) set(done, total int64) {
	m.total.Store(total)
	m.done.Store(done)
}

// flight is one download with all its callers in this process.
type flight struct {
	meter
	cancel  context.CancelFunc
	done    chan struct{} // closed when model and err are set
	model   Model
	err     error
	callers int // guarded by Store.mu
	told    atomic.Bool
}

// progressEvery is often enough for a bar and rare enough for a log.
const progressEvery = 200 * time.Millisecond

// share runs do once for all callers of the same key at a time.
func (s *Store) share(
	ctx context.Context, key string, progress func(done, total int64), do func(context.Context, *meter) (Model, error),
) (Model, error) {
	if err := ctx.Err(); err != nil {
		return Model{}, fmt.Errorf("pulling model: %w", err)
	}
	f := s.board(ctx, key, do)
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for {
		select {
		case <-f.done:
			if progress != nil && f.err == nil {
				progress(f.model.Size, f.model.Size)
			}
			m := f.model
			m.Pinned = m.Pinned && f.told.CompareAndSwap(false, true)
			return m, f.err
		case <-ctx.Done():
			s.leave(key, f)
			return Model{}, fmt.Errorf("pulling model: %w", ctx.Err())
		case <-ticker.C:
			if progress != nil {
				progress(f.meter.done.Load(), f.total.Load())
			}
		}
	}
}

// board joins the flight of key, or starts it. The flight's own context ends when
// its last caller leaves, not when the first does.
func (s *Store) board(ctx context.Context, key string, do func(context.Context, *meter) (Model, error)) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flights[key]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		f.set(0, -1)
		ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		s.flights[key] = f
		go func() { // waited for: by every caller, and by the last one to leave
			defer close(f.done)
			defer f.cancel()
			f.model, f.err = do(ctx, &f.meter)
			s.land(key, f)
		}()
	}
	f.callers++
	return f
}

// leave is what a caller does that cannot wait. The last one ends the flight and
// sees it end.
func (s *Store) leave(key string, f *flight) {
	s.mu.Lock()
	f.callers--
	last := f.callers == 0
	if last && s.flights[key] == f {
		delete(s.flights, key)
	}
	s.mu.Unlock()
	if last {
		f.cancel()
		<-f.done
	}
}

// land takes a flight that is over off the board.
func (s *Store) land(key string, f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights[key] == f {
		delete(s.flights, key)
	}
}
