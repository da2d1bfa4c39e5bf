package coldstart

import (
	"context"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// probe is how long nothing may have been measured before a request is let in
// against the forecast, where a place is free for it.
const probe = time.Second

// Enter is [Room.Admit] for a request without a deadline.
func (r *Room) Enter(revision string) (*Ticket, error) {
	return r.Admit(context.Background(), revision)
}

// Admit lets one request in, or says why not; see [Ticket.Admit]. The caller must
// Leave.
func (r *Room) Admit(ctx context.Context, revision string) (*Ticket, error) {
	t := r.Outside(revision)
	if err := t.Admit(ctx); err != nil {
		t.Leave()
		return nil, err
	}
	return t, nil
}

// Outside is a ticket that is not in yet: it can hold bytes, and has woken nothing.
// Admit brings it in. The caller must Leave.
func (r *Room) Outside(revision string) *Ticket {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queueOf(revision)
	q.outside++
	return &Ticket{room: r, queue: q, revision: revision, moves: q.moves}
}

// Admit lets the request in and tells the platform of its arrival, so that an
// instance is on its way before the picture is. ctx's deadline is the time by which
// the answer has to be there.
//
// It returns at once. Errors are functions.Errors: Busy where the room is full or
// the function has more than it can serve, Unavailable where it is full of those for a
// revision on [Room.Hold], TooShort where the answer would come
// after the deadline, or what the platform refused the revision with; RetryAfter is
// computed from what has been measured.
func (t *Ticket) Admit(ctx context.Context) error {
	r, q, now := t.room, t.queue, time.Now()
	r.mu.Lock()
	if q.refused() {
		err := q.refusal.error()
		r.mu.Unlock()
		return err
	}
	if err, stay := r.judge(ctx, q, now); err != nil {
		r.mu.Unlock()
		r.tell(t.revision, stay)
		return err
	}
	t.entered = now
	t.move(coming)
	heard := t.hear(now)
	r.mu.Unlock()

	if heard {
		r.platform.Arrived(t.revision)
	}
	return nil
}

// Awake says that the revision has an instance, or that one is on its way.
func (r *Room) Awake(revision string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queues[revision]
	return q != nil && (q.ready+q.starting > 0 || !q.wakeAt.IsZero())
}

// unheard is a stay of which the platform is not told.
const unheard = time.Duration(-1)

// judge says why a request that comes now is turned away, nil for that it is not,
// and for how long the platform should count it as present all the same. Call with
// mu held.
func (r *Room) judge(ctx context.Context, q *queue, now time.Time) (err *functions.Error, stay time.Duration) {
	q.came(now)
	crowded := q.crowded(now, r.opts)
	ahead := len(q.coming) + len(q.waiting)
	switch {
	case q.onHold() && (ahead >= r.opts.MaxWaiting || r.waiting >= r.opts.MaxWaitingAll):
		return q.refuse(ahead, q.loadTime()), unheard // it would wake what is to go
	case r.waiting >= r.opts.MaxWaitingAll:
		err = functions.Errorf(functions.Busy, "%d requests are waiting for functions already", r.waiting)
	case ahead >= r.opts.MaxWaiting:
		err = functions.Errorf(functions.Busy, "%d requests are waiting for this function already", ahead)
	case q.most > 0 && ahead+q.leased >= q.most:
		err = functions.Errorf(functions.Busy, "the function has as many requests as it may have at a time, %d", q.most)
	case crowded && q.most == 0:
		err = functions.Errorf(functions.Busy, "more requests come than the function can serve")
	}
	if err != nil {
		// What is turned away is load nonetheless: whoever scales by arrivals must see it.
		err.RetryAfter = q.relief(now)
		return err, 0
	}
	deadline, has := ctx.Deadline()
	if !has {
		return nil, 0
	}
	return q.tooShort(deadline.Sub(now), now)
}

// tooShort is the error for a request whose answer is expected after the time it
// has, nil where it is expected in time or nothing is known.
func (q *queue) tooShort(has time.Duration, now time.Time) (err *functions.Error, stay time.Duration) {
	_, answer, known := q.forecast(now)
	if has > 0 && (!known || answer <= has) {
		return nil, 0
	}
	possible := has > 0 && has >= q.service.shortest(now)
	if possible && q.mayProbe(has, now) {
		q.probedAt = now
		return nil, 0
	}
	err = functions.Errorf(functions.TooShort, "the answer is expected in %v, the request gives it %v",
		rough(answer), rough(has))
	if !possible {
		// No instance, however warm, answers in that time: there is nothing to come back
		// for, and nothing to wake.
		return err, unheard
	}
	err.RetryAfter = min(longestRetry, max(time.Second, answer-has))
	if q.ready > 0 || q.starting > 0 || !q.wakeAt.IsZero() || q.onHold() || !q.mayPromise(now) {
		return err, unheard
	}
	// It would have been in time had the function been warm. So that it is when the
	// caller comes back, it is woken now, and counts as wanted until then.
	q.wakeAt, q.promisedAt = now, now
	q.unkept++
	return err, max(err.RetryAfter, q.loadTime())
}

// judgeAgain judges a request whose picture has come at last, as if it came now.
// It is one of those that came already. Call with mu held.
func (r *Room) judgeAgain(ctx context.Context, q *queue, now time.Time) error {
	if q.most == 0 && q.crowded(now, r.opts) {
		err := functions.Errorf(functions.Busy, "more requests come than the function can serve")
		err.RetryAfter = q.relief(now)
		return err
	}
	if deadline, has := ctx.Deadline(); has && q.ready > 0 && !q.free(now) {
		if err, _ := q.tooShort(deadline.Sub(now), now); err != nil {
			return err
		}
	}
	return nil
}

// Bounds of how often a function is woken for those who are turned away.
const (
	firstPause   = time.Minute
	longestPause = time.Hour
)

// mayPromise says whether to wake the function for one who shall come back. Nobody
// did after the last such wakes, each time the pause is twice as long: deadlines that
// cannot be kept do not keep a function warm.
func (q *queue) mayPromise(now time.Time) bool {
	if q.unkept == 0 {
		return true
	}
	return now.Sub(q.promisedAt) >= min(longestPause, firstPause<<min(q.unkept-1, 10))
}

// mayProbe says whether a request may show that the forecast is wrong: it takes
// nobody's place, and the last one was as fast, or nothing has been measured for a
// while.
func (q *queue) mayProbe(has time.Duration, now time.Time) bool {
	if !q.free(now) {
		return false
	}
	pause := max(probe, q.service.typical(now))
	return q.service.last <= has || now.Sub(q.service.at) >= pause && now.Sub(q.probedAt) >= pause
}

// tell tells the platform of a request that was turned away but counts for a time.
func (r *Room) tell(revision string, stay time.Duration) {
	if stay == unheard {
		return
	}
	r.platform.Arrived(revision)
	if stay == 0 {
		r.platform.Left(revision, 0)
		return
	}
	// A platform that has stopped meanwhile does not mind.
	time.AfterFunc(stay, func() {
		r.platform.Left(revision, 0)
		r.mu.Lock()
		defer r.mu.Unlock()
		if q := r.queues[revision]; q != nil {
			q.calm()
		}
	})
}

// woken notes when a request found no instance.
func (q *queue) woken(now time.Time) {
	if q.ready == 0 && q.starting == 0 && q.wakeAt.IsZero() && !q.onHold() {
		q.wakeAt = now
	}
}

// calm ends a wake that nobody waits for any more.
func (q *queue) calm() {
	if q.present() == 0 && q.ready+q.starting == 0 {
		q.wakeAt = time.Time{}
	}
}

// rough is d as people say it.
func rough(d time.Duration) time.Duration {
	d = max(0, d)
	if d >= time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
