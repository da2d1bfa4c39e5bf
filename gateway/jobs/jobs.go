// Package jobs keeps work that is accepted now and done later, and loses none.
//
// It receives a [Job], an event that asks a function for something, and hands it
// on to a [Work] that does it, then the answer to the sinks it is for. Between the
// two stands a durable queue: NATS JetStream, in this process with every write
// synced to disk, or a cluster of the operator's. A job that was accepted is done,
// or ends among the dead letters with the reason; what is done twice, because a
// process died in the middle, is done under one id. It refuses work it has no room
// for before it accepts any, and callbacks that no operator has allowed. It knows
// no picture and no HTTP request: what a job asks for is its Work's business.
//
// A job goes through four streams. The queue has it until its outcome is known;
// records has its state, one message a job, by which everything is decided;
// deliveries has answers on their way to a sink; dead has what was given up.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Work does a job: the event that answers it, or an error whose Kind says whether
// another try makes sense. It must end when ctx does.
type Work func(ctx context.Context, job Job) (answer events.Event, err error)

// Jobs is the queue with all that belongs to it. It is safe for concurrent use.
type Jobs struct {
	opts    Options
	sinks   sinks
	counts  *counts
	held    atomic.Int64 // bytes of requests that are being accepted
	stop    context.CancelFunc
	tending sync.WaitGroup
	started chan struct{} // a lane may have become necessary; buffered, one
	ailing  chan struct{} // a write was not answered; buffered, one

	making  sync.Mutex // one lane is made at a time
	mu      sync.Mutex
	server  *embedded                     // nil where the streams are elsewhere
	now     *link                         // nil while the store is being mended
	changed chan struct{}                 // closed when now changes
	working map[string]context.CancelFunc // what is worked on here, by id
	lanes   map[string]*lane              // by stream and key
}

// Open starts the store, or connects to it, and makes what it lacks. ctx is for the
// opening alone; Close ends what Open began.
func Open(ctx context.Context, o Options) (*Jobs, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	sinks, err := newSinks(o)
	if err != nil {
		return nil, err
	}
	j := &Jobs{
		opts: o, sinks: sinks, counts: newCounts(), started: make(chan struct{}, 1), ailing: make(chan struct{}, 1), changed: make(chan struct{}),
		working: map[string]context.CancelFunc{}, lanes: map[string]*lane{},
	}
	tending, stop := context.WithCancel(context.WithoutCancel(ctx))
	j.stop = stop
	if o.URL == "" {
		if j.server, err = openEmbedded(o); err != nil {
			stop()
			return nil, err
		}
	}
	l, err := j.connect(ctx)
	if err != nil {
		stop()
		return nil, errors.Join(err, j.server.close())
	}
	j.become(l)
	j.tending.Go(func() { j.tend(tending) })
	return j, nil
}

// Close ends the connection, and the server where it is in this process. What was
// accepted is there at the next Open. Run must have returned.
func (j *Jobs) Close() error {
	j.stop()
	j.tending.Wait()
	if l := j.become(nil); l != nil {
		l.close()
	}
	return j.server.close()
}

// become makes l the link in use and tells those who wait; it returns the one before.
func (j *Jobs) become(l *link) *link {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.now
	j.now = l
	clear(j.lanes)
	close(j.changed)
	j.changed = make(chan struct{})
	return before
}

// link is the connection in use, or why there is none.
func (j *Jobs) link() (*link, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now == nil {
		return nil, j.unavailable(errors.New("the store is being mended"))
	}
	return j.now, nil
}

// untilLinked waits for a connection.
func (j *Jobs) untilLinked(ctx context.Context) (*link, error) {
	for {
		j.mu.Lock()
		l, changed := j.now, j.changed
		j.mu.Unlock()
		if l != nil {
			return l, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Receipt is what a caller gets for a job.
type Receipt struct {
	ID string
	// State is queued, or where the job was accepted before, what it has come to.
	State State
	// Again says that the very same job had been accepted before.
	Again bool
}

// Accept takes the job: when it returns without error the job is on disk and will
// be done. A job whose event was accepted before, within Options.KeepFor of its last
// change, is that job, and not done again.
//
// Errors are functions.Errors: Invalid, Forbidden for a callback that is not allowed,
// Conflict where the event's source and id are those of another request, Busy where
// the function has too many jobs, Unavailable where nothing can be stored for now.
func (j *Jobs) Accept(ctx context.Context, job Job) (Receipt, error) {
	if err := j.complete(&job); err != nil {
		return Receipt{}, err
	}
	id := job.ID()
	l, err := j.link()
	if err != nil {
		return Receipt{}, err
	}
	if err := j.room(l); err != nil {
		return Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	rec, _, err := l.record(ctx, id)
	switch {
	case err == nil:
		return receipt(id, rec.State, rec.Digest, job.Digest)
	case !errors.Is(err, errAbsent):
		return Receipt{}, j.unavailable(err)
	}
	lane, err := j.lane(ctx, l, queue, job.Function)
	if err != nil {
		return Receipt{}, j.unavailable(err)
	}
	if lane.waiting.Load() >= j.opts.MaxQueued {
		if there, _, err := l.queued(ctx, id); err == nil { // it is one of them
			return receipt(id, Queued, there.Digest, job.Digest)
		}
		j.counts.refused(job.Function)
		return Receipt{}, &functions.Error{
			Kind: functions.Busy, Detail: "the function has as many jobs as it may hold", RetryAfter: storeRetry,
		}
	}
	lane.counting.RLock()
	fresh, err := l.enqueue(ctx, job)
	if fresh {
		lane.waiting.Add(1)
	}
	lane.counting.RUnlock()
	switch {
	case err != nil:
		return Receipt{}, j.unavailable(fmt.Errorf("storing the job: %w", err))
	case fresh:
		j.counts.accepted(job.Function)
		return Receipt{ID: id, State: Queued}, nil
	}
	// It is in the queue; or was a moment ago, and has a record now.
	if there, _, err := l.queued(ctx, id); err == nil {
		return receipt(id, Queued, there.Digest, job.Digest)
	}
	if rec, _, err = l.record(ctx, id); err != nil {
		return Receipt{}, j.unavailable(err)
	}
	return receipt(id, rec.State, rec.Digest, job.Digest)
}

func receipt(id string, state State, before, now string) (Receipt, error) {
	if before != now {
		return Receipt{}, functions.Errorf(functions.Conflict, "this id was used before, with another request")
	}
	return Receipt{ID: id, State: state, Again: true}, nil
}

// Reserve takes room for the bytes of a request that is about to be accepted.
// release gives it back, and may be called once.
func (j *Jobs) Reserve(size int64) (release func(), err error) {
	if held := j.held.Add(size); held > j.opts.MaxAccepting && held > size { // one alone may have it all
		j.held.Add(-size)
		return nil, &functions.Error{
			Kind: functions.Busy, Detail: "too many bytes are being accepted", RetryAfter: time.Second,
		}
	}
	return func() { j.held.Add(-size) }, nil
}

// storeRetry is when to come back where the store takes nothing.
const storeRetry = 5 * time.Second

// unavailable is what a caller is told of a store that does not answer.
func (j *Jobs) unavailable(cause error) error {
	if errors.Is(cause, context.DeadlineExceeded) || errors.Is(cause, jetstream.ErrNoStreamResponse) {
		j.ail()
	}
	if e, ok := errors.AsType[*functions.Error](cause); ok {
		return e
	}
	return (&functions.Error{
		Kind: functions.Unavailable, Detail: "jobs cannot be stored for now", RetryAfter: storeRetry,
	}).Because(cause)
}
