package explain

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
)

// run asks about covered pictures, a few at a time.
type run struct {
	ctx     context.Context
	picture *image.RGBA
	target  functions.Detection
	ask     Detector
	options Options

	mu        sync.Mutex
	done, all int
}

func newRun(ctx context.Context, picture *image.RGBA, target functions.Detection, ask Detector, o Options) *run {
	return &run{
		ctx: ctx, picture: picture, target: target, ask: ask, options: o,
		all: 2 + o.Masks + (2+blobFields)*(o.Steps-1),
	}
}

// similarities are those of n covered pictures to the target, in the order of their
// numbers.
func (r *run) similarities(n int, makeMask func(i int, m *mask)) ([]float64, error) {
	found := make([]float64, n)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(r.ctx)
	for range min(r.options.Parallel, n) {
		group.Go(func() error {
			size := r.picture.Rect.Size()
			m, covered := newMask(size), image.NewRGBA(image.Rectangle{Max: size})
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				makeMask(i, m)
				m.apply(covered, r.picture)
				detections, err := patient(ctx, r.ask, covered)
				if err != nil {
					return fmt.Errorf("asking about the picture with parts of it covered: %w", err)
				}
				found[i] = similarity(r.target, detections)
				r.progress()
			}
		})
	}
	err := group.Wait()
	return found, err
}

func (r *run) progress() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if r.options.Progress != nil {
		r.options.Progress(r.done, r.all)
	}
}

const (
	// tries is how often a busy detector is asked, and pause how long it is left alone
	// where it does not say.
	tries = 10
	pause = 200 * time.Millisecond
)

// patient asks again where the detector has too much to do, or no instance just now.
func patient(ctx context.Context, ask Detector, picture *image.RGBA) ([]functions.Detection, error) {
	for try := 1; ; try++ {
		found, err := ask(ctx, picture)
		e, is := errors.AsType[*functions.Error](err)
		if !is || try == tries || e.Kind != functions.Busy && e.Kind != functions.OverLimit && e.Kind != functions.Unavailable {
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(max(e.RetryAfter, pause)):
		}
	}
}
