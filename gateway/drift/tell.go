package drift

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Teller hands a change to whoever is to hear of it.
type Teller func(ctx context.Context, change functions.DriftChange) error

const (
	// saveEvery is how often statistics are kept: what a crash may lose.
	saveEvery = 30 * time.Second
	// maxUntold is how many changes wait to be told.
	maxUntold = 64
	// maxTelling is how long one is tried to be told, first after firstAgain, then after
	// twice as long each time, up to lastAgain.
	maxTelling = time.Hour
	firstAgain = time.Second
	lastAgain  = time.Minute
)

// Run keeps the statistics and tells of changes until ctx ends; then it keeps them
// once more.
func (r *Room) Run(ctx context.Context) error {
	if r == nil {
		<-ctx.Done()
		return nil
	}
	var telling sync.WaitGroup
	telling.Go(func() { r.tellAll(ctx) })
	defer telling.Wait()
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return r.Save()
		case <-tick.C:
			if err := r.Save(); err != nil {
				r.opts.Report(err)
			}
		}
	}
}

func (r *Room) tellAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case change := <-r.changes:
			if err := r.tell(ctx, change); err != nil {
				r.opts.Report(errors.Join(errUntold(change), err))
			}
		}
	}
}

// tell tries until it is told.
func (r *Room) tell(ctx context.Context, change functions.DriftChange) error {
	began := time.Now()
	for again := firstAgain; ; again = min(2*again, lastAgain) {
		err := r.opts.Tell(ctx, change)
		switch {
		case err == nil:
			return nil
		case functions.KindOf(err) == functions.Invalid, time.Since(began) > maxTelling:
			return err // it will not be taken, whenever it comes
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

func errUntold(change functions.DriftChange) error {
	word := "drifts"
	if !change.Drifted {
		word = "is back"
	}
	return fmt.Errorf("that function %q %s in %d signals could not be told", change.Function, word, len(change.Signals))
}

// listeners are those that hear of changes as they are.
type listeners struct {
	mu     sync.Mutex
	hushed bool
	all    map[chan functions.DriftChange]string // by function
}

// maxUnheard is how many changes wait for one listener; one that falls behind further
// is let go.
const maxUnheard = 16

// maxListeners bounds those that listen at a time.
const maxListeners = 1000

// Listen hears of the function's changes until stop is called. The channel is closed
// where the listener falls behind, and when the room is hushed.
func (r *Room) Listen(function string) (_ <-chan functions.DriftChange, stop func(), err error) {
	l := &r.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hushed {
		return nil, nil, functions.Errorf(functions.Unavailable, "the gateway is draining")
	}
	if len(l.all) >= maxListeners {
		return nil, nil, functions.Errorf(functions.Busy, "%d listen already", len(l.all))
	}
	if l.all == nil {
		l.all = map[chan functions.DriftChange]string{}
	}
	c := make(chan functions.DriftChange, maxUnheard)
	l.all[c] = function
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.leave(c)
	}, nil
}

// leave ends one; the lock is held.
func (l *listeners) leave(c chan functions.DriftChange) {
	if _, is := l.all[c]; is {
		delete(l.all, c)
		close(c)
	}
}

func (l *listeners) tell(change functions.DriftChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, function := range l.all {
		if function != change.Function {
			continue
		}
		select {
		case c <- change:
		default:
			l.leave(c)
		}
	}
}

// Hush lets all listeners go, and takes no more: a server that drains would wait for
// them.
func (r *Room) Hush() {
	if r == nil {
		return
	}
	l := &r.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hushed = true
	for c := range l.all {
		l.leave(c)
	}
}
