// Package coldstart is the waiting room between a routed request and an
// instance that can take it.
//
// It receives requests at the moment they are routed ([Room.Admit]), so that
// their function wakes while the picture is still on its way, and the instances
// of every Revision as the platform starts and stops them ([Room.Publish]). It
// hands on a [Lease] on the least loaded instance, never more of them than the
// instance's capacity, first come first served. It measures how long starts and
// requests take, and refuses at the door what would make it larger than its
// bounds in requests and bytes, what would wait longer than a warm function should
// make anyone wait, and what would be answered after its deadline. It fails its
// waiters at once when the platform says why no instance will come ([Room.Refuse]), and
// keeps them while a function's revisions change places ([Room.Hold]). See
// docs/admission.md.
package coldstart

import (
	"cmp"
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
	// Binds says that a request may be bound to the instance while it starts, even
	// though others are ready: no place in another will be found for it. Of idle ones
	// that bind the one used last is taken.
	Binds bool
	// Turns is told when the instance has requests and when it has none. May be nil.
	Turns Turns
	// Remote has what only an instance behind a network needs.
	Remote
}

// Turns is told of an instance's requests. Both calls are made with the room locked:
// they return soon and do not call it.
type Turns interface {
	// Busy is called before the first request is sent, after Idle or the start.
	Busy()
	// Idle is called when the last request has its whole answer, or was given up.
	Idle()
}

// Options bound the room; zero means the default.
type Options struct {
	// MaxWaiting is the most requests of one revision that have no instance yet.
	// Default 256.
	MaxWaiting int
	// MaxWaitingAll is the most requests of all revisions together that have no
	// instance yet. Default 4 times MaxWaiting.
	MaxWaitingAll int
	// MaxBytes is the most bytes of pictures and bodies held for all requests
	// together. Default 256 MiB.
	MaxBytes int64
	// MaxBytesOf is the most bytes of pictures held for one revision, unless a
	// single request needs more. Default half of MaxBytes.
	MaxBytesOf int64
	// MaxDelay is how long a request may be expected to wait for a warm function
	// that gets no more instances. However short it is, eight rounds of the
	// function's capacity may wait: a handful of callers at a time is no overload.
	// Default 250 ms.
	MaxDelay time.Duration
}

func (o Options) withDefaults() Options {
	o.MaxWaiting = cmp.Or(o.MaxWaiting, 256)
	o.MaxWaitingAll = cmp.Or(o.MaxWaitingAll, 4*o.MaxWaiting)
	o.MaxBytes = cmp.Or(o.MaxBytes, 256<<20)
	o.MaxBytesOf = cmp.Or(o.MaxBytesOf, o.MaxBytes/2)
	o.MaxDelay = cmp.Or(o.MaxDelay, 250*time.Millisecond)
	return o
}

// Room is the waiting room of all revisions. Its methods may be called from any
// goroutine.
type Room struct {
	platform Platform
	opts     Options

	mu      sync.Mutex
	held    int64 // bytes, all revisions together
	waiting int   // tickets that come or wait, all revisions together
	queues  map[string]*queue
}

// New is an empty room over platform.
func New(platform Platform, opts Options) *Room {
	return &Room{platform: platform, opts: opts.withDefaults(), queues: map[string]*queue{}}
}

// queue is what the room knows of one revision.
type queue struct {
	seats   []*seat   // published instances, and withdrawn ones that still work
	coming  []*Ticket // admitted, their picture not there yet; in order of arrival
	waiting []*Ticket // in the order they are served
	outside int       // tickets that are not in
	leased  int
	leaving int   // tickets whose lease is over
	held    int64 // bytes of its tickets' pictures
	most    int   // requests at a time, 0 for no bound; see Bound
	ended   int   // leases that are over
	refusal *refusal
	// forgotten: it goes with its last request.
	forgotten bool

	hold
	measured
	pressure
}

// seat is an instance with its leases counted.
type seat struct {
	Instance
	since     time.Time // when the room first saw it
	used      int       // the number of its last request in the order they ended
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

// Publish replaces what the room knows of a revision's instances. An instance
// that is no longer named gets no more requests; those it has go on.
func (r *Room) Publish(revision string, instances []Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(instances) == 0 && r.queues[revision] == nil {
		return
	}
	q, now := r.queueOf(revision), time.Now()
	for _, s := range q.seats {
		i := slices.IndexFunc(instances, func(i Instance) bool { return i.Name == s.Name })
		if i >= 0 {
			if !s.Ready && instances[i].Ready {
				q.becameReady(s.since, now)
			}
			s.Instance = instances[i]
		} else {
			s.withdrawn = true
		}
	}
	for _, instance := range instances {
		if !slices.ContainsFunc(q.seats, func(s *seat) bool { return s.Name == instance.Name }) {
			q.seats = append(q.seats, &seat{Instance: instance, since: now, drained: make(chan struct{})})
			if instance.Ready && !q.wakeAt.IsZero() {
				q.becameReady(q.wakeAt, now)
			}
		}
	}
	q.capacities(now)
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
	if q.forgotten && q.present()+q.outside == 0 && r.queues[revision] == q {
		delete(r.queues, revision)
	}
}

// Load tells how many requests of the revision are with an instance and how many
// are on their way to one.
func (r *Room) Load(revision string) (inFlight, waiting int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q := r.queues[revision]; q != nil {
		return q.leased, q.present() - q.leased
	}
	return 0, 0
}

// present is how many requests are in the room or with an instance.
func (q *queue) present() int { return len(q.coming) + len(q.waiting) + q.leased + q.leaving }

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
	for len(q.waiting) > 0 && !q.onHold() {
		s := q.pick()
		if s == nil {
			return
		}
		t := q.waiting[0]
		t.granted <- grant{lease: t.lease(s)}
	}
}

// pick is the instance with the fewest requests among those with room for one
// more, or nil. Only while none is ready do requests go to one that still
// starts: there they are decoded meanwhile, but cannot change over. So it is the
// first of those that start, or one that will be ready hardly later: in any other
// they would wait longer than who comes after them. Where requests bind they always may.
func (q *queue) pick() *seat {
	hardlyLater := q.startedAt.Add(q.loadTime() / 10)
	anyReady := slices.ContainsFunc(q.seats, func(s *seat) bool { return s.Ready && !s.withdrawn })
	var best *seat
	for _, s := range q.seats {
		if s.withdrawn || s.leases >= s.Capacity || s.Ready != anyReady && !s.Binds {
			continue
		}
		if !s.Ready && !s.Binds && s.since.After(hardlyLater) {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	return best
}

// before says that a request goes to s rather than to other, both having room.
func (s *seat) before(other *seat) bool {
	switch {
	case s.Ready != other.Ready:
		return s.Ready
	case s.Binds:
		return s.used > other.used
	}
	return s.leases < other.leases
}
