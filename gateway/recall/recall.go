// Package recall answers a question that is being answered, or was lately, without
// asking an instance again.
//
// It receives a picture with the revision and the parameters it is for
// ([Ask]). Where the very same is with an instance at that moment, the request waits
// for that answer too (single flight: one run, many answers); where its answer is in
// the cache it is given at once ([Room.Find]). It hands on the answer and how it was
// come by ([How]). A detection changes nothing and the same picture gives the same
// boxes, so both are safe; the cache is off unless it is given bytes. It refuses
// nothing, and gives nobody an error that was another caller's own: a deadline, a
// hang-up.
package recall

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Options bound the room; zero means the default.
type Options struct {
	// CacheBytes is the most memory that kept answers may take, 0 for no cache.
	CacheBytes int64
	// CacheAge is how long an answer is kept. Default 10 minutes.
	CacheAge time.Duration
}

// Room knows what is being asked, and what was answered lately. Its methods may be
// called from any goroutine.
type Room struct {
	seed  maphash.Seed
	cache *cache // nil: off

	mu      sync.Mutex
	flights map[flightKey]*flight
	counts  counts
}

// New is a room that knows nothing yet.
func New(opts Options) *Room {
	if opts.CacheAge == 0 {
		opts.CacheAge = 10 * time.Minute
	}
	r := &Room{seed: maphash.MakeSeed(), flights: map[flightKey]*flight{}}
	if opts.CacheBytes > 0 {
		r.cache = newCache(opts.CacheBytes, opts.CacheAge)
	}
	return r
}

// Place is the request's place in the waiting room; coldstart.Ticket is one.
type Place interface {
	// Aside: the request needs no instance after all. A run of its own brings it back.
	Aside()
	// Leave: it is over.
	Leave()
}

// Ask is one request's question.
type Ask struct {
	Revision string
	Params   functions.Parameters
	// Picture is not written to, and is looked at until Place is left.
	Picture []byte
	// Tag is the question's, from Room.Tag. Zero: the answer is not kept.
	Tag Tag
	// Place is left when the request's part is over, which for the one whose run
	// serves others is later than its own reply.
	Place Place
	// Run asks an instance. Its context ends when nobody waits for the answer any more,
	// and knows no deadline of this request. It is called at most once, and in another
	// goroutine, which has ended when the last one who waits for the answer has it.
	Run func(ctx context.Context) (functions.Answer, error)
}

// How an answer was come by.
type How uint8

const (
	Ran    How = iota // an instance was asked for this request
	Shared            // an instance was asked by another request
	Hit               // it was known
)

// Word is for the reply: shared, hit, or nothing.
func (h How) Word() string {
	return [...]string{"", "shared", "hit"}[h]
}

type flightKey struct {
	revision, params string
	size             int
	sum              uint64
}

// flight is one run, and those who wait for it.
type flight struct {
	picture []byte
	cancel  context.CancelCauseFunc
	waiting int           // under the room's mu; 0: it is being given up
	done    chan struct{} // closed when answer and err are there
	answer  functions.Answer
	err     error
}

// Do answers the question, by a run of its own or by that of an equal one that is
// under way. It returns when ctx ends, whoever else goes on waiting. The answer's
// slices are shared: they are not to be written to.
//
// The timing of a shared answer is this request's own: all of it is waiting, for it
// looked at nothing.
func (r *Room) Do(ctx context.Context, ask Ask) (functions.Answer, How, error) {
	began := time.Now()
	key, err := r.key(ask)
	if err != nil {
		ask.Place.Leave()
		return functions.Answer{}, Ran, err
	}
	for {
		f, mine := r.join(ctx, key, ask)
		if !mine {
			ask.Place.Aside()
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			if last := r.quit(key, f, context.Cause(ctx)); !last {
				if !mine {
					ask.Place.Leave()
				}
				return functions.Answer{}, Ran, context.Cause(ctx)
			}
			<-f.done // its end says best why there is no answer, or there is one
		}
		switch {
		case mine:
			return f.answer, Ran, f.err
		case f.err != nil && othersOwn(f.err) && ctx.Err() == nil:
			continue
		}
		ask.Place.Leave()
		if f.err != nil {
			return functions.Answer{}, Shared, f.err
		}
		answer := f.answer
		answer.Timing = functions.Timing{Wait: functions.Since(began)}
		return answer, Shared, nil
	}
}

// key finds equal questions. A sum that strangers cannot aim at is enough: pictures
// are compared byte by byte where it is equal.
func (r *Room) key(ask Ask) (flightKey, error) {
	params, err := json.Marshal(ask.Params) // all there are, and all there will be
	if err != nil {
		return flightKey{}, fmt.Errorf("writing the parameters: %w", err)
	}
	return flightKey{ask.Revision, string(params), len(ask.Picture), maphash.Bytes(r.seed, ask.Picture)}, nil
}

// join is the flight that answers the question, and whether it was begun for it.
func (r *Room) join(ctx context.Context, key flightKey, ask Ask) (f *flight, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[key]; f != nil && bytes.Equal(f.picture, ask.Picture) {
		f.waiting++
		r.counts.shared++
		return f, false
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	f = &flight{picture: ask.Picture, cancel: cancel, waiting: 1, done: make(chan struct{})}
	if r.flights[key] == nil {
		r.flights[key] = f
	}
	go r.fly(ctx, key, f, ask)
	return f, true
}

// fly runs. Whoever waits last waits for its end.
func (r *Room) fly(ctx context.Context, key flightKey, f *flight, ask Ask) {
	defer func() {
		if fault := recover(); fault != nil { // as a request's own goroutine would survive it
			f.err = fmt.Errorf("panic while asking an instance: %v", fault)
		}
		f.cancel(nil)
		r.land(key, f) // first: its picture is compared for as long as it can be joined
		ask.Place.Leave()
		close(f.done)
	}()
	f.answer, f.err = ask.Run(ctx)
	if f.err == nil {
		r.keep(ask, f.answer)
	}
}

// land ends the time in which a flight can be joined.
func (r *Room) land(key flightKey, f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flights[key] == f {
		delete(r.flights, key)
	}
}

// quit is one who no longer waits; the last one ends the run.
func (r *Room) quit(key flightKey, f *flight, why error) (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.waiting--
	if f.waiting > 0 {
		return false
	}
	if r.flights[key] == f { // who comes now begins anew
		delete(r.flights, key)
	}
	f.cancel(why)
	return true
}

// othersOwn tells an error of the one who asked first from one of the question.
func othersOwn(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		functions.KindOf(err) == functions.TooShort
}
