package coldstart

import (
	"errors"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// ErrMoved sends a request back to be routed anew, with nothing lost but time: it waited
// for a revision whose hold is over, and another one may answer it now. Its ticket is to
// be left; see [Ticket.Again].
var ErrMoved = errors.New("the hold is over: the request is to be routed anew")

// hold is whether a revision's requests are held until its function's revisions have
// changed places.
type hold struct {
	heldAt time.Time // zero: they are not
	moves  uint32    // holds that are over
}

func (h *hold) onHold() bool { return !h.heldAt.IsZero() }

// Hold keeps the revision's requests in the room, those that wait already and those that
// come, bounded as all are: no instance gets one, however many are published, and the
// platform hears of none that comes, so that nothing wakes for them. Requests that are
// with an instance are finished. Holding what is held changes nothing.
func (r *Room) Hold(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queueOf(revision)
	if q.onHold() {
		return
	}
	q.heldAt, q.wakeAt = time.Now(), time.Time{} // nobody waits for a start of this one
}

// Move ends a Hold: everybody who waits gets ErrMoved, and so does who came meanwhile and
// still has a picture on its way.
func (r *Room) Move(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[revision]
	if q == nil || !q.onHold() {
		return
	}
	q.heldAt = time.Time{}
	q.moves++
	for len(q.waiting) > 0 {
		t := q.waiting[0]
		t.move(leaving)
		t.granted <- grant{err: ErrMoved}
	}
}

// Again is the ticket, of a revision that may be another one, of a request whose own was
// left with ErrMoved. It is in: what was let in once is not judged again. It keeps its
// turn among those who wait and the room for its bytes. The caller must Leave.
func (t *Ticket) Again(revision string) *Ticket {
	r, now := t.room, time.Now()
	r.mu.Lock()
	q := r.queueOf(revision)
	q.outside++
	again := &Ticket{
		room: r, queue: q, revision: revision, entered: now, since: t.since, moves: q.moves,
		crashes: t.crashes, losses: t.losses,
	}
	if again.since.IsZero() { // it had not begun to wait, or waited for another's answer
		again.since = t.entered
	}
	if t.hold != nil {
		again.hold = &Reservation{room: r, queue: q, bytes: t.hold.bytes}
		r.held += t.hold.bytes
		q.held += t.hold.bytes
	}
	again.move(coming)
	heard := again.hear(now)
	r.mu.Unlock()
	if heard {
		r.platform.Arrived(revision)
	}
	return again
}

// hear notes whether the platform is to hear that the ticket has come in: not while its
// revision is held, nor where it will be routed anew. Call with mu held.
func (t *Ticket) hear(now time.Time) (heard bool) {
	t.unheard = t.queue.onHold() || t.moves != t.queue.moves
	if !t.unheard {
		t.queue.woken(now)
	}
	return !t.unheard
}

// inTurn puts a ticket that waited before among those who wait, by when it began to.
func (q *queue) inTurn(t *Ticket) {
	at, _ := slices.BinarySearchFunc(q.waiting, t, func(a, b *Ticket) int { return a.since.Compare(b.since) })
	q.waiting = slices.Insert(q.waiting, at, t)
}

// refuse is the refusal of a request for which a held revision's room is too small. When a
// hold ends nobody here knows; what it ends with is a start.
func (h *hold) refuse(waiting int, load time.Duration) *functions.Error {
	err := functions.Errorf(functions.Unavailable,
		"the function's revisions are changing places, and %d requests are waiting for that already", waiting)
	err.RetryAfter = min(longestRetry, max(time.Second, load))
	return err
}
