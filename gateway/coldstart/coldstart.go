// Package coldstart is the waiting room between a routed request and an
// instance that can take it.
//
// It receives requests at the moment they are routed ([Room.Enter]), so that
// their function wakes while the picture is still on its way, and the instances
// of every Revision as the platform starts and stops them ([Room.Publish]). It
// hands on a [Lease] on the least loaded instance, never more of them than the
// instance's capacity, first come first served. It refuses what would make it
// larger than its bounds in requests and bytes, and it fails its waiters at once
// when the platform says why no instance will come ([Room.Refuse]).
package coldstart

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Platform gives Revisions their instances. Both calls return at once.
type Platform interface {
	// Arrived tells that a request for the revision came in. At zero it wakes.
	Arrived(revision string)
	// Left tells that a request that arrived is over, and how long it was in its
	// instance: 0 where it never came so far, or waited there for the start.
	Left(revision string, took time.Duration)
}

// Instance is one running copy of a Revision.
type Instance struct {
	// Name is unique among all instances.
	Name string
	// Network and Address are what [net.Dial] takes.
	Network, Address string
	// Ready says that the instance is warm. One that is not ready yet already
	// accepts requests; it decodes their pictures while its session loads.
	Ready bool
	// Capacity is the most requests it takes at a time.
	Capacity int
	// Pull is what getting the model took before this instance could start.
	Pull functions.Millis
	// Life tells when and how the instance ended.
	Life *Life
}

// Options bound the room; zero means the default.
type Options struct {
	// MaxWaiting is the most requests of one revision that have no instance yet.
	// Default 256.
	MaxWaiting int
	// MaxBytes is the most bytes of pictures held for all requests together.
	// Default 256 MiB.
	MaxBytes int64
}

// Room is the waiting room of all revisions. Its methods may be called from any
// goroutine.
type Room struct {
	platform Platform
	opts     Options

	mu     sync.Mutex
	held   int64 // bytes of pictures, all revisions together
	queues map[string]*queue
}

// New is an empty room over platform.
func New(platform Platform, opts Options) *Room {
	if opts.MaxWaiting == 0 {
		opts.MaxWaiting = 256
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 256 << 20
	}
	return &Room{platform: platform, opts: opts, queues: map[string]*queue{}}
}

// queue is what the room knows of one revision.
type queue struct {
	seats   []*seat   // published instances, and withdrawn ones that still work
	waiting []*Ticket // in order of arrival
	without int       // tickets without a lease: fetching or waiting
	leased  int
	service time.Duration // moving average of how long a lease is held
	refusal *refusal
	// forgotten: it goes with its last request.
	forgotten bool
}

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

// seat is an instance with its leases counted.
type seat struct {
	Instance
	leases    int
	withdrawn bool
	drained   chan struct{} // closed when withdrawn and without leases
}

// queueOf is the queue of a revision, made on first sight. Call with mu held.
func (r *Room) queueOf(revision string) *queue {
	q := r.queues[revision]
	if q == nil {
		q = &queue{}
		r.queues[revision] = q
	}
	return q
}

// Enter admits one request and tells the platform of its arrival, so that an
// instance is on its way before the picture is. The caller must Leave.
func (r *Room) Enter(revision string) (*Ticket, error) {
	r.mu.Lock()
	q := r.queueOf(revision)
	if q.refusal != nil {
		err := q.refusal.error()
		r.mu.Unlock()
		return nil, err
	}
	if q.without >= r.opts.MaxWaiting {
		err := functions.Errorf(functions.Busy, "%d requests are waiting for this function already", q.without)
		err.RetryAfter = q.backlog()
		r.mu.Unlock()
		return nil, err
	}
	q.without++
	r.mu.Unlock()

	r.platform.Arrived(revision)
	return &Ticket{room: r, queue: q, revision: revision}, nil
}

// backlog estimates when today's waiters will have been served: their number
// times the measured time of one, over what runs at a time. At least a second.
func (q *queue) backlog() time.Duration {
	capacity := 0
	for _, s := range q.seats {
		if !s.withdrawn {
			capacity += s.Capacity
		}
	}
	return max(time.Second, q.service*time.Duration(q.without)/time.Duration(max(1, capacity)))
}

// Publish replaces what the room knows of a revision's instances. An instance
// that is no longer named gets no more requests; those it has go on.
func (r *Room) Publish(revision string, instances []Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(instances) == 0 && r.queues[revision] == nil {
		return
	}
	q := r.queueOf(revision)
	for _, s := range q.seats {
		i := slices.IndexFunc(instances, func(i Instance) bool { return i.Name == s.Name })
		if i >= 0 {
			s.Instance = instances[i]
		} else {
			s.withdrawn = true
		}
	}
	for _, instance := range instances {
		if !slices.ContainsFunc(q.seats, func(s *seat) bool { return s.Name == instance.Name }) {
			q.seats = append(q.seats, &seat{Instance: instance, drained: make(chan struct{})})
		}
	}
	q.sweep()
	q.dispatch()
}

// Drained is closed when the named instance, withdrawn before, has no request
// left. For an instance the room does not know it is closed already.
func (r *Room) Drained(revision, instance string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil {
		for _, s := range q.seats {
			if s.Name == instance {
				return s.drained
			}
		}
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

// Refuse fails every waiting request of the revision with reason, and every new
// one until the given time or until Reopen.
func (r *Room) Refuse(revision string, reason *functions.Error, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queueOf(revision)
	q.refusal = &refusal{err: reason, until: until}
	for _, t := range q.waiting {
		t.granted <- grant{err: q.refusal.error()}
	}
	q.waiting = nil
}

// Reopen ends a Refuse.
func (r *Room) Reopen(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queueOf(revision).refusal = nil
}

// Forget drops a revision that gets no more requests, once those it has are over.
func (r *Room) Forget(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil {
		q.forgotten = true
		r.drop(revision, q)
	}
}

// drop ends a forgotten queue that has no requests. Call with mu held.
func (r *Room) drop(revision string, q *queue) {
	if q.forgotten && q.without+q.leased == 0 && r.queues[revision] == q {
		delete(r.queues, revision)
	}
}

// Load tells how many requests of the revision are with an instance and how many
// are on their way to one.
func (r *Room) Load(revision string) (inFlight, waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil {
		return q.leased, q.without
	}
	return 0, 0
}

// served takes a request's time into the moving average.
func (q *queue) served(took time.Duration) {
	if q.service == 0 {
		q.service = took
	} else {
		q.service += (took - q.service) / 8
	}
}

// sweep forgets withdrawn instances that have no request left.
func (q *queue) sweep() {
	q.seats = slices.DeleteFunc(q.seats, func(s *seat) bool {
		over := s.withdrawn && s.leases == 0
		if over {
			close(s.drained)
		}
		return over
	})
}

// dispatch hands free capacity to the waiters, first come first served.
func (q *queue) dispatch() {
	for len(q.waiting) > 0 {
		s := q.pick()
		if s == nil {
			return
		}
		t := q.waiting[0]
		q.waiting = q.waiting[1:]
		t.granted <- grant{lease: t.lease(s)}
	}
}

// pick is the instance with the fewest requests among those with room for one
// more, or nil. Only while none is ready do requests go to one that still
// starts: there they are decoded meanwhile, but cannot change over.
func (q *queue) pick() *seat {
	anyReady := slices.ContainsFunc(q.seats, func(s *seat) bool { return s.Ready && !s.withdrawn })
	var best *seat
	for _, s := range q.seats {
		if s.withdrawn || s.leases >= s.Capacity || s.Ready != anyReady {
			continue
		}
		if best == nil || s.leases < best.leases {
			best = s
		}
	}
	return best
}

// errNobody is the cause of a wait that ended without any instance.
var errNobody = errors.New("no instance became ready while the request waited")

// late is what a waiter is told whose time is over.
func (q *queue) late(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	for _, s := range q.seats {
		if s.Ready {
			err := functions.Errorf(functions.Busy, "no instance had room for the request in time")
			err.RetryAfter = q.backlog()
			return err
		}
	}
	return functions.Errorf(functions.ColdStartTimeout, "no instance became ready within the request's time").
		Because(errNobody)
}
