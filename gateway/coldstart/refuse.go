package coldstart

import (
	"context"
	"errors"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// refusal is why no instance will come, until when.
type refusal struct {
	err   *functions.Error
	until time.Time
}

func (r *refusal) error() error {
	e := *r.err
	e.RetryAfter = max(time.Until(r.until), time.Second)
	return &e
}

// Refuse fails every waiting request of the revision with reason, and every new
// one until the given time or until Reopen. Those of a revision on [Room.Hold] are not
// for it, and stay.
func (r *Room) Refuse(revision string, reason *functions.Error, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queueOf(revision)
	q.refusal = &refusal{err: reason, until: until}
	if !q.refused() {
		return
	}
	for len(q.waiting) > 0 {
		t := q.waiting[0]
		t.move(leaving)
		t.granted <- grant{err: q.refusal.error()}
	}
	q.wakeAt = time.Time{}
}

// refused says that who comes is refused. Call with mu held.
func (q *queue) refused() bool { return q.refusal != nil && !q.onHold() }

// Reopen ends a Refuse.
func (r *Room) Reopen(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queueOf(revision).refusal = nil
}

// Bound lets a revision have so many requests at a time, those in instances and those
// on their way together, and refuses more at once. 0 is no bound.
func (r *Room) Bound(revision string, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queueOf(revision).most = most
}

// errNobody is the cause of a wait that ended without any instance.
var errNobody = errors.New("no instance became ready while the request waited")

// late is what a waiter is told whose time is over.
func (q *queue) late(ctx context.Context) error {
	if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	if q.onHold() {
		return functions.Errorf(functions.ColdStartTimeout,
			"the function's revisions were still changing places when the request's time was over").Because(errNobody)
	}
	for _, s := range q.seats {
		if s.Ready {
			err := functions.Errorf(functions.Busy, "no instance had room for the request in time")
			err.RetryAfter = q.backlog(time.Now())
			return err
		}
	}
	return functions.Errorf(functions.ColdStartTimeout, "no instance became ready within the request's time").
		Because(errNobody)
}
