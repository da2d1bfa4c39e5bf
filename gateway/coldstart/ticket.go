package coldstart

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"
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
	entered  time.Time
	since    time.Time // when it began to wait

	at      place  // under the room's mu
	unheard bool   // the platform has not heard of it; see hear
	moves   uint32 // the queue's, when it was made: since then it has moved or not
	hold    *Reservation
	took    time.Duration // in an instance that was ready, by the newest lease
	granted chan grant

	crashes, losses int
}

// place is where in the room a ticket is.
type place uint8

const (
	outside place = iota // not in yet, or aside; see Room.Outside
	coming               // its picture is on the way
	waiting              // for an instance
	leased               // with one
	leaving              // it had one
	gone
)

// move takes the ticket from one place to another. Call with mu held.
func (t *Ticket) move(to place) {
	q := t.queue
	same := func(other *Ticket) bool { return other == t }
	switch t.at {
	case outside:
		q.outside--
	case coming:
		q.coming = slices.DeleteFunc(q.coming, same)
		t.room.waiting--
	case waiting:
		q.waiting = slices.DeleteFunc(q.waiting, same)
		t.room.waiting--
	case leased:
		q.leased--
	case leaving:
		q.leaving--
	}
	before := t.at
	t.at = to
	switch to {
	case outside:
		q.outside++
	case coming:
		q.coming = append(q.coming, t)
		t.room.waiting++
	case waiting:
		if n := len(q.waiting); before == leaving || n > 0 && t.since.Before(q.waiting[n-1].since) { // it waited before
			q.inTurn(t)
		} else {
			q.waiting = append(q.waiting, t)
		}
		t.room.waiting++
	case leased:
		q.leased++
	case leaving:
		q.leaving++
	}
}

type grant struct {
	lease *Lease
	err   error
}

// Hold reserves room for the request's picture; calling it again changes the
// reservation. It fails with Busy where the room's or the revision's bytes are all
// taken.
func (t *Ticket) Hold(bytes int64) error {
	if t.hold == nil {
		t.hold = &Reservation{room: t.room, queue: t.queue}
	}
	return t.hold.Resize(bytes)
}

// Reader is from with room for the picture reserved as its bytes come: see
// [Reservation.Reader]. It takes the place of a Hold before.
func (t *Ticket) Reader(from io.Reader) io.Reader {
	if t.hold == nil {
		t.hold = &Reservation{room: t.room, queue: t.queue}
	}
	return t.hold.Reader(from)
}

// Wait blocks until an instance has room for the request, until ctx ends or
// until the platform refuses. The lease must be given back.
//
// A request whose picture was long in coming is judged again: it is turned away as
// [Room.Admit] would turn it away now. One that waited through a [Room.Hold] gets
// ErrMoved.
func (t *Ticket) Wait(ctx context.Context) (*Lease, error) {
	r, q, now := t.room, t.queue, time.Now()
	r.mu.Lock()
	switch {
	case t.moves != q.moves:
		defer r.mu.Unlock()
		return nil, ErrMoved
	case q.refused():
		defer r.mu.Unlock()
		return nil, q.refusal.error()
	}
	if t.at == coming && now.Sub(t.entered) > q.slowUpload(now) {
		if err := r.judgeAgain(ctx, q, now); err != nil {
			r.mu.Unlock()
			return nil, err
		}
	}
	heard := t.at == outside && t.hear(now)
	if t.since.IsZero() {
		t.since = now
	}
	t.granted = make(chan grant, 1)
	t.move(waiting)
	q.woken(now)
	q.dispatch()
	r.mu.Unlock()
	if heard {
		r.platform.Arrived(t.revision)
	}

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
	t.move(leaving)
	return nil, q.late(ctx)
}

// Aside takes the request out of the room but not its bytes: it needs no instance
// after all, for another request asks the same. Where it turns out that it does,
// Wait brings it back in.
func (t *Ticket) Aside() {
	t.room.mu.Lock()
	in := t.at == coming
	if in {
		t.move(outside)
		t.queue.calm()
	}
	heard := in && !t.unheard
	t.room.mu.Unlock()
	if heard {
		t.room.platform.Left(t.revision, 0)
	}
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
	if l.Life.unreached { // the deadline bounds these: each time another instance is waited for
		return true
	}
	if l.Life.Crashed() && !l.Cold {
		t.crashes++
	}
	t.losses++
	return t.crashes <= maxCrashes && t.losses <= maxLosses
}

// Leave ends the request. Calling it again does nothing.
func (t *Ticket) Leave() {
	r := t.room
	r.mu.Lock()
	if t.at == gone {
		r.mu.Unlock()
		return
	}
	heard := t.at != outside && !t.unheard
	t.move(gone)
	if t.hold != nil {
		t.hold.release()
	}
	took := t.took
	t.queue.calm()
	r.drop(t.revision, t.queue)
	r.mu.Unlock()
	if heard {
		r.platform.Left(t.revision, took)
	}
}

// Lease is the right to send one request to one instance.
type Lease struct {
	Instance
	// Cold says that the instance was not ready when the request was given to it.
	Cold bool
	// Release gives the place back, once.
	Release func()

	failed bool
	// woken: the request waited already when the instance became known.
	woken bool
}

// Failed says, before Release, that the instance did not answer with what was
// asked for. The time it had the request then says little of the time it needs:
// a picture that cannot be read is refused in no time, and a caller who gives up
// ends its run early.
func (l *Lease) Failed() { l.failed = true }

// lease takes a place of s. Call with mu held.
func (t *Ticket) lease(s *seat) *Lease {
	r, q := t.room, t.queue
	if s.leases == 0 && s.Turns != nil {
		s.Turns.Busy()
	}
	s.leases++
	t.move(leased)
	since := time.Now()
	l := &Lease{Instance: s.Instance, Cold: !s.Ready, woken: t.since.Before(s.since)}
	l.Release = sync.OnceFunc(func() {
		now := time.Now()
		r.mu.Lock()
		defer r.mu.Unlock()
		s.leases--
		q.ended++
		q.served(now)
		s.used = q.ended
		t.move(leaving)
		if !l.Cold { // else most of it is the instance's start
			t.took = now.Sub(since)
			// One that was given up after longer than usual would have taken longer still.
			if !l.failed || t.took > q.service.typical(now) {
				q.service.add(t.took, now)
				q.unkept = 0
			}
		}
		q.sweep()
		q.dispatch()
		if s.leases == 0 && !s.withdrawn && s.Turns != nil {
			s.Turns.Idle() // nobody who waited took it over
		}
	})
	return l
}
