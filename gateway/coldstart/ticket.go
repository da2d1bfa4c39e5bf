package coldstart

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// A detection changes nothing, so a request whose instance died may be sent to
// another. How often depends on whose fault the death can be.
const (
	// maxCrashes: an instance that crashed may have crashed because of this very
	// picture, so the request gets one more instance and no third.
	maxCrashes = 1
	// maxLosses: an instance that was killed from outside, or died before it was
	// ready, says nothing about the picture; the bound only ends a hopeless case.
	maxLosses = 5
)

// Ticket is one request's place in the room, from routing until its reply.
type Ticket struct {
	room     *Room
	queue    *queue
	revision string

	held    int64
	took    time.Duration // in an instance that was ready, by the newest lease
	granted chan grant
	left    bool

	crashes, losses int
}

type grant struct {
	lease *Lease
	err   error
}

// Hold reserves room for the request's picture; calling it again changes the
// reservation. It fails with Busy where the room's bytes are all taken.
func (t *Ticket) Hold(bytes int64) error {
	t.room.mu.Lock()
	defer t.room.mu.Unlock()
	if t.room.held-t.held+bytes > t.room.opts.MaxBytes {
		err := functions.Errorf(functions.Busy, "too many pictures are being held already")
		err.RetryAfter = t.queue.backlog()
		return err
	}
	t.room.held += bytes - t.held
	t.held = bytes
	return nil
}

// Wait blocks until an instance has room for the request, until ctx ends or
// until the platform refuses. The lease must be given back.
func (t *Ticket) Wait(ctx context.Context) (*Lease, error) {
	r, q := t.room, t.queue
	r.mu.Lock()
	if q.refusal != nil {
		defer r.mu.Unlock()
		return nil, q.refusal.error()
	}
	t.granted = make(chan grant, 1)
	q.waiting = append(q.waiting, t)
	q.dispatch()
	r.mu.Unlock()

	select {
	case g := <-t.granted:
		return g.lease, g.err
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case g := <-t.granted: // granted just before ctx ended: the lease must not be lost
		return g.lease, g.err
	default:
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *Ticket) bool { return w == t })
	return nil, q.late(ctx)
}

// MayRetry says whether the request may go to another instance after the one it
// was given failed it. It waits until the platform knows how that one ended; an
// instance that lives has answered for good.
func (t *Ticket) MayRetry(ctx context.Context, l *Lease) bool {
	select {
	case <-l.Life.Ended():
	case <-ctx.Done():
		return false
	}
	if l.Life.Crashed() && !l.Cold {
		t.crashes++
	}
	t.losses++
	return t.crashes <= maxCrashes && t.losses <= maxLosses
}

// Leave ends the request. Calling it again does nothing.
func (t *Ticket) Leave() {
	if t.left {
		return
	}
	t.left = true
	t.room.mu.Lock()
	t.room.held -= t.held
	t.queue.without--
	took := t.took
	t.room.drop(t.revision, t.queue)
	t.room.mu.Unlock()
	t.room.platform.Left(t.revision, took)
}

// Lease is the right to send one request to one instance.
type Lease struct {
	Instance
	// Cold says that the instance was not ready when the request was given to it.
	Cold bool
	// Release gives the place back, once.
	Release func()
}

// lease takes a place of s. Call with mu held.
func (t *Ticket) lease(s *seat) *Lease {
	r, q := t.room, t.queue
	s.leases++
	q.leased++
	q.without--
	since, cold := time.Now(), !s.Ready
	release := func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		s.leases--
		q.leased--
		q.without++ // until it leaves, or waits again
		if !cold {  // else most of it is the instance's start
			t.took = time.Since(since)
			q.served(t.took)
		}
		q.sweep()
		q.dispatch()
	}
	return &Lease{Instance: s.Instance, Cold: cold, Release: sync.OnceFunc(release)}
}

// Life is how an instance's end becomes known to those who use it.
type Life struct {
	ended   chan struct{}
	crashed bool
}

// NewLife is the life of an instance that has just been started.
func NewLife() *Life { return &Life{ended: make(chan struct{})} }

// End is called once, by the platform: crashed where the instance ended by
// itself and not because someone ended it.
func (l *Life) End(crashed bool) {
	l.crashed = crashed
	close(l.ended)
}

// Ended is closed when the instance is no more.
func (l *Life) Ended() <-chan struct{} { return l.ended }

// Crashed says how it ended; only after Ended is closed.
func (l *Life) Crashed() bool { return l.crashed }
