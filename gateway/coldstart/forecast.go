package coldstart

import "time"

// measured is what the room has learnt of a revision by watching it.
type measured struct {
	load    estimate // from a request at zero, else from an instance's start, to readiness
	service estimate // how long a request is with a warm instance

	// Places: of ready instances, of those that start, and the most that were ever
	// ready together. When nothing runs, peak is what the revision scales to.
	ready, starting, peak int
	startedAt             time.Time // of the oldest start under way
	// wakeAt is when the first request came that found no instance; zero while there
	// is a ready one or nobody asked.
	wakeAt time.Time
	// probedAt is when a request was last let in against the forecast.
	probedAt time.Time
	// promisedAt is when the function was last woken for one who was turned away, and
	// unkept how often that was so since a request was served.
	promisedAt time.Time
	unkept     int
}

// becameReady takes one start into the estimate: since the wake where there was
// one, for that is what a request at zero waits for, else since the instance's own
// beginning.
func (q *queue) becameReady(since, now time.Time) {
	if !q.wakeAt.IsZero() {
		since = q.wakeAt
		q.wakeAt = time.Time{}
	}
	q.load.add(now.Sub(since), now)
}

// capacities counts places anew after the seats have changed.
func (q *queue) capacities(now time.Time) {
	if q.ready == 0 {
		q.pressure = pressure{}
	}
	q.ready, q.starting, q.startedAt = 0, 0, time.Time{}
	for _, s := range q.seats {
		switch {
		case s.withdrawn:
		case s.Ready:
			q.ready += s.Capacity
		default:
			q.starting += s.Capacity
			if q.startedAt.IsZero() || s.since.Before(q.startedAt) {
				q.startedAt = s.since
			}
		}
	}
	q.peak = max(q.peak, q.ready)
	switch {
	case q.ready > 0:
		q.wakeAt = time.Time{}
	case q.starting == 0 && q.wakeAt.IsZero() && q.present() > 0 && !q.onHold():
		q.wakeAt = now // what ran is gone, and somebody waits for the next
	}
}

// starts is how long it takes until what is starting, or would be started now, is
// ready. A start that takes longer than any before it may be over at any moment.
func (q *queue) starts(now time.Time) time.Duration {
	began := now
	switch {
	case q.onHold(): // it ends with a start, and when that begins nobody here knows
		began = q.heldAt
	case !q.wakeAt.IsZero():
		began = q.wakeAt
	case q.starting > 0:
		began = q.startedAt
	}
	return max(0, q.loadTime()-now.Sub(began))
}

// loadTime is how long a start takes, moderately pessimistic. It does not age: it is
// measured anew with every wake, and who would come too late for it wakes the
// function nonetheless.
func (q *queue) loadTime() time.Duration { return q.load.mean + q.load.stray }

// slowUpload is how long a picture may be on its way before its request no longer
// counts as one that is about to need an instance: whoever sends slowly must not
// keep the places of those who do not.
func (q *queue) slowUpload(now time.Time) time.Duration {
	return max(100*time.Millisecond, q.service.typical(now))
}

// ahead is how many requests will want an instance before one that came now.
func (q *queue) ahead(now time.Time) int {
	n, slow := len(q.waiting), q.slowUpload(now)
	for i := len(q.coming) - 1; i >= 0 && now.Sub(q.coming[i].entered) <= slow; i-- {
		n++
	}
	return n
}

// free says that a ready instance would take a request that came now at once.
func (q *queue) free(now time.Time) bool { return q.leased+q.ahead(now) < q.ready }

// forecast is how long a request that came now would wait and when it would be
// answered. It is moderately pessimistic where it can be, and known is false where
// too little has been measured to say anything.
func (q *queue) forecast(now time.Time) (wait, answer time.Duration, known bool) {
	service, ahead := q.service.typical(now), q.ahead(now)
	switch {
	case q.ready == 0:
		if !q.load.known() {
			return 0, 0, false
		}
		// Those that are with an instance that starts are ahead as well.
		places := max(1, q.starting, q.peak)
		wait = q.starts(now) + time.Duration((q.leased+ahead)/places)*service
	case !q.service.known():
		return 0, 0, false
	case q.leased+ahead >= q.ready:
		rounds := time.Duration(max(ahead, q.leased+ahead-q.ready) + 1)
		wait = rounds * service / time.Duration(q.ready)
		if soon := q.starts(now); q.starting > 0 && q.load.known() && soon < wait {
			wait = soon + (wait-soon)*time.Duration(q.ready)/time.Duration(q.ready+q.starting)
		}
	}
	return wait, wait + q.service.slow(now), true
}

// backlog is when a request that is turned away now would find less of a queue: at
// least a second.
func (q *queue) backlog(now time.Time) time.Duration {
	wait, _, _ := q.forecast(now)
	return max(time.Second, wait)
}
