// Package mirror asks a second revision what a first one has been asked, and throws the
// answer away.
//
// It receives pictures that were answered, with what was said of them ([Seen]), and
// which function has a mirror ([Options.Of]). It hands on nothing but metrics: how many
// were mirrored, how long the mirror took, and how far it says the same. The caller's
// answer waits for none of it: a mirrored request begins when that is on its way, and
// what is more than the room's bounds, in requests and in bytes, is dropped and counted.
// It refuses to try again.
package mirror

import (
	"cmp"
	"context"
	"math"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// Options say what is mirrored, and how much of it; zero means the default.
type Options struct {
	// Of is the revision that gets percent of a function's requests, 0 to 100, a second
	// time; 0 where there is none. It is called for each request: it returns at once.
	Of func(function string) (revision functions.Revision, percent float64)
	// InFlight is the most requests that are mirrored at a time. Default 8.
	InFlight int
	// MaxBytes is the most bytes of pictures that are held for them. Default 32 MiB.
	MaxBytes int64
}

// Invoker asks an instance; invoke.Invoker is one.
type Invoker interface {
	Detect(ctx context.Context, instance coldstart.Instance, picture []byte, params functions.Parameters) (functions.Answer, error)
}

// Room mirrors requests. Its methods may be called from any goroutine; a nil Room
// mirrors nothing.
type Room struct {
	waiting *coldstart.Room
	invoker Invoker
	opts    Options
	counts  *counts

	ctx   context.Context // ends what is mirrored when the room closes
	end   context.CancelFunc
	group sync.WaitGroup

	mu       sync.Mutex
	turns    map[string]uint64 // by function
	inFlight int
	held     int64 // bytes
}

// New is a room that mirrors to the instances of waiting by invoker. Close it.
func New(waiting *coldstart.Room, invoker Invoker, opts Options) *Room {
	opts.InFlight = cmp.Or(opts.InFlight, 8)
	opts.MaxBytes = cmp.Or(opts.MaxBytes, 32<<20)
	ctx, end := context.WithCancel(context.Background())
	return &Room{
		waiting: waiting, invoker: invoker, opts: opts, counts: newCounts(),
		ctx: ctx, end: end, turns: map[string]uint64{},
	}
}

// Seen is a request that was answered.
type Seen struct {
	// Function is the name it was asked for by, Revision who answered it. A request to a
	// tag's own address is for nobody else.
	Function string
	Revision functions.Revision
	Params   functions.Parameters
	// Picture and Answer are read for as long as the mirror takes, and not written to.
	Picture []byte
	Answer  functions.Answer
}

// Send mirrors a request, if its turn has come, and says whether it keeps the picture to
// do so. It returns at once; the mirrored request begins when run ends, which is when
// the real answer is on its way.
func (r *Room) Send(run context.Context, seen Seen) (kept bool) {
	if r == nil {
		return false
	}
	function := seen.Function
	to, percent := r.opts.Of(function)
	if percent <= 0 || to.Name == seen.Revision.Name {
		return false
	}
	size := int64(len(seen.Picture))
	turn, entered := r.enter(function, percent/100, size)
	if turn && !entered {
		r.counts.dropped(function, to.Name)
	}
	if !entered {
		return false
	}
	go func() {
		defer r.leave(size)
		r.replied(run)
		r.ask(to, seen)
	}()
	return true
}

// replied waits for the real answer to be on its way.
func (r *Room) replied(run context.Context) {
	select {
	case <-run.Done():
	case <-r.ctx.Done():
	}
}

// enter says whether it is this request's turn, and takes a place for it where there is
// one. The multiples of the golden ratio share few requests out as truly as many.
func (r *Room) enter(function string, share float64, size int64) (turn, entered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turns[function]++
	if _, at := math.Modf(float64(r.turns[function]%(1<<32)) * (math.Phi - 1)); at >= share {
		return false, false
	}
	if r.ctx.Err() != nil || r.inFlight >= r.opts.InFlight || r.held+size > r.opts.MaxBytes {
		return true, false
	}
	r.group.Add(1) // not after Close has begun to wait: it locks too
	r.inFlight++
	r.held += size
	return true, true
}

func (r *Room) leave(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	r.held -= size
	r.group.Done()
}

// ask is the mirrored request.
func (r *Room) ask(to functions.Revision, seen Seen) {
	ctx, cancel := context.WithTimeout(r.ctx, time.Duration(to.Function.Spec.Scaling.Timeout))
	defer cancel()
	function, params := seen.Function, seen.Params
	params.Draw = "" // nobody will look at it
	began := time.Now()
	answer, err := r.detect(ctx, to.Name, seen.Picture, params)
	if err != nil {
		if r.ctx.Err() == nil { // else it is nobody's fault
			r.counts.failed(function, to.Name, err)
		}
		return
	}
	r.counts.answered(function, to.Name, time.Since(began), agree(seen.Answer.Detections, answer.Detections))
}

func (r *Room) detect(ctx context.Context, revision string, picture []byte, params functions.Parameters) (functions.Answer, error) {
	ticket, err := r.waiting.Admit(ctx, revision)
	if err != nil {
		return functions.Answer{}, err
	}
	defer ticket.Leave()
	lease, err := ticket.Wait(ctx)
	if err != nil {
		return functions.Answer{}, err
	}
	defer lease.Release()
	answer, err := r.invoker.Detect(ctx, lease.Instance, picture, params)
	if err != nil {
		lease.Failed()
	}
	return answer, err
}

// Close gives up what is being mirrored and returns when it is over.
func (r *Room) Close() {
	if r == nil {
		return
	}
	r.mu.Lock() // so that nobody enters who is not waited for
	r.end()
	r.mu.Unlock()
	r.group.Wait()
}
