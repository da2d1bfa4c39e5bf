// Package schedule decides which runs go together, and how many at a time.
//
// It receives the inputs of single pictures and hands them on to a session in
// batches (see [Batcher]): that is for a GPU, which runs eight pictures in little
// more than the time of one. On a CPU runs of one thread beside each other are
// faster, as many as the process has cores (see [Cores]). It refuses nothing but
// what comes after its end, and outputs that are not as many as the pictures.
//
// A batch goes when the first of these holds, and a run is free:
//
//	it is full;
//	its oldest picture has waited for the delay;
//	one of its pictures would be late if it waited on.
//
// With no delay a picture goes as soon as a run is free, and what has come in the
// meantime goes with it: batches come of load alone, and an idle device answers at
// once.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

// Options say how pictures are gathered.
type Options struct {
	// Most is the most pictures of one run, at least 1.
	Most int
	// Delay is how long a picture waits for others at most. 0: no longer than until a
	// run is free.
	Delay time.Duration
	// Parallel is how many runs go at a time, at least 1. With 2, the next batch is
	// gathered and fed while the outputs of the last are read.
	Parallel int
	// Like are the inputs of one picture: their shapes, with a 1 first, and their type.
	Like []detector.Tensor
}

// Batcher runs several pictures' inputs as one. It satisfies detector.Session, for
// one picture at a time of each caller.
type Batcher struct {
	session detector.Session
	options Options
	sizes   []int
	workers sync.WaitGroup
	came    chan struct{} // there may be something to do

	mu     sync.Mutex
	queue  []*ticket
	closed bool
	took   map[int]time.Duration // of a run, by size: the mean of the last
	runs   []uint64              // by pictures
	spare  map[int][][]detector.Tensor
}

// New makes a Batcher that runs on session. Call [Batcher.Close] before that closes.
func New(session detector.Session, o Options) (*Batcher, error) {
	if o.Most < 1 || o.Parallel < 1 || o.Delay < 0 || len(o.Like) == 0 {
		return nil, fmt.Errorf("batches of %d, %d at a time, %d inputs: there must be some of each", o.Most, o.Parallel, len(o.Like))
	}
	for _, in := range o.Like {
		if len(in.Shape) == 0 || in.Shape[0] != 1 {
			return nil, fmt.Errorf("an input of %v is none of one picture", in.Shape)
		}
	}
	b := &Batcher{
		session: session, options: o, sizes: append([]int{1}, Sizes(o.Most)...),
		came: make(chan struct{}, o.Parallel),
		took: map[int]time.Duration{}, runs: make([]uint64, o.Most+1), spare: map[int][][]detector.Tensor{},
	}
	for range o.Parallel {
		b.workers.Go(b.work)
	}
	return b, nil
}

// Sizes are the batch sizes that are run where most pictures go together, beside 1:
// the powers of two below it, and itself. A batch of another number is filled up to
// the next, as each size costs a first run and memory.
func Sizes(most int) []int {
	var sizes []int
	for n := 2; n < most; n *= 2 {
		sizes = append(sizes, n)
	}
	if most > 1 {
		sizes = append(sizes, most)
	}
	return sizes
}

// Warm makes a run of each size, on nothing, so that no picture pays for what a
// first run costs.
func (b *Batcher) Warm(ctx context.Context) error {
	for _, size := range b.sizes[1:] {
		inputs := b.take(size)
		err := b.session.Run(ctx, inputs, func(outputs []detector.Tensor) error { return divisible(outputs, size) })
		b.give(size, inputs)
		if err != nil {
			return fmt.Errorf("warming up a batch of %d: %w", size, err)
		}
	}
	return nil
}

// Run has the inputs of one picture run with others', and hands read the outputs that
// are its own, valid only within it. When ctx ends the picture leaves the queue, or
// its run if that has begun; a run that all have left is terminated.
func (b *Batcher) Run(ctx context.Context, inputs []detector.Tensor, read func(outputs []detector.Tensor) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("running model: %w", context.Cause(ctx))
	}
	t := newTicket(ctx, inputs)
	if err := b.enter(t); err != nil {
		return err
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		if b.leave(t) {
			return fmt.Errorf("running model: %w", context.Cause(ctx))
		}
		<-t.done // it was done at the same moment
	}
	if t.err != nil {
		return t.err
	}
	defer t.batch.reading.Done()
	return read(t.outputs)
}

// Runs is how many runs there were, by their number of pictures.
func (b *Batcher) Runs() []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]uint64(nil), b.runs...)
}

// Close runs what has come, lets nothing more come, and waits until all is read.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.wake(b.options.Parallel)
	b.workers.Wait()
}

var errClosed = functions.Errorf(functions.Unavailable, "the instance stops").Because(errors.New("the batcher is closed"))

func (b *Batcher) enter(t *ticket) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	b.queue = append(b.queue, t)
	b.wake(1)
	return nil
}

// wake lets n workers look at the queue. One that is looking has room for it.
func (b *Batcher) wake(n int) {
	for range n {
		select {
		case b.came <- struct{}{}:
		default:
			return
		}
	}
}

// work runs batches until the end.
func (b *Batcher) work() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, wait, more := b.next()
		switch {
		case !more:
			return
		case due != nil:
			b.run(due)
		case wait > 0:
			timer.Reset(wait)
			select {
			case <-b.came:
			case <-timer.C:
			}
		default:
			<-b.came
		}
	}
}

// next is the batch that is due; or how long until one is, 0 where there is none to
// wait for. more is false when there will never be one.
func (b *Batcher) next() (due *batch, wait time.Duration, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		if b.closed {
			b.wake(1) // the next worker is to see it too
		}
		return nil, 0, !b.closed
	}
	if wait := b.due(time.Now()); wait > 0 {
		return nil, wait, true
	}
	n := min(len(b.queue), b.options.Most)
	due = newBatch(b.queue[:n])
	rest := copy(b.queue, b.queue[n:])
	clear(b.queue[rest:])
	b.queue = b.queue[:rest]
	if rest > 0 {
		b.wake(1)
	}
	return due, 0, true
}

// due is how long the pictures of the queue may wait on for others.
func (b *Batcher) due(now time.Time) time.Duration {
	if b.closed || len(b.queue) >= b.options.Most {
		return 0
	}
	wait := b.queue[0].since.Add(b.options.Delay).Sub(now)
	// The run will be of the size that these make up.
	expected := b.took[b.size(len(b.queue))]
	for _, t := range b.queue {
		if !t.deadline.IsZero() {
			wait = min(wait, t.deadline.Add(-expected).Sub(now))
		}
	}
	return max(0, wait)
}

// size is the smallest that n pictures fit in.
func (b *Batcher) size(n int) int {
	for _, size := range b.sizes {
		if size >= n {
			return size
		}
	}
	return b.options.Most
}
