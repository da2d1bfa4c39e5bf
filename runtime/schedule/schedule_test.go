package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/detector"
)

// device is a session that takes its time and answers twice each picture's number.
type device struct {
	takes time.Duration
	fails error

	mu         sync.Mutex
	sizes      []int // of the runs, in the order they began
	began      []time.Duration
	terminated int
	origin     time.Time
}

func (d *device) Run(ctx context.Context, inputs []detector.Tensor, read func([]detector.Tensor) error) error {
	d.mu.Lock()
	size := int(inputs[0].Shape[0])
	d.sizes, d.began = append(d.sizes, size), append(d.began, time.Since(d.origin))
	d.mu.Unlock()
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
		d.mu.Lock()
		d.terminated++
		d.mu.Unlock()
		return context.Cause(ctx)
	}
	if d.fails != nil {
		return d.fails
	}
	out := detector.Tensor{Name: "twice", Shape: []int64{int64(size), 1}, Data: make([]float32, size)}
	for i := range size {
		out.Data[i] = 2 * inputs[0].Data[i]
	}
	err := read([]detector.Tensor{out})
	clear(out.Data) // outputs are gone after read
	return err
}

func like() []detector.Tensor {
	return []detector.Tensor{{Shape: []int64{1, 1}, Data: make([]float32, 1)}}
}

func batcher(t *testing.T, d *device, o Options) *Batcher {
	t.Helper()
	d.origin = time.Now()
	o.Like, o.Parallel = like(), max(1, o.Parallel)
	b, err := New(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask runs the picture of one number.
func ask(ctx context.Context, b *Batcher, number float32) (got float32, err error) {
	inputs := []detector.Tensor{{Shape: []int64{1, 1}, Data: []float32{number}}}
	err = b.Run(ctx, inputs, func(outputs []detector.Tensor) error {
		if !slices.Equal(outputs[0].Shape, []int64{1, 1}) {
			return fmt.Errorf("outputs %v of one picture", outputs[0].Shape)
		}
		got = outputs[0].Data[0]
		return nil
	})
	inputs[0].Data[0] = -1e9 // ours again
	return got, err
}

func TestWhichPicturesGoTogether(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name     string
		options  Options
		arrivals []time.Duration
		deadline time.Duration // of each, from its arrival; 0: none
		sizes    []int
		began    []time.Duration
	}{
		{
			"an idle device answers at once, and those that came meanwhile go together",
			Options{Most: 8},
			[]time.Duration{0, ms, 2 * ms, 3 * ms, 4 * ms},
			0,
			[]int{1, 4},
			[]time.Duration{0, 10 * ms},
		},
		{
			"three pictures run as four",
			Options{Most: 4, Delay: 5 * ms},
			[]time.Duration{0, ms, 2 * ms},
			0,
			[]int{4},
			[]time.Duration{5 * ms},
		},
		{
			"a full batch does not wait",
			Options{Most: 2, Delay: time.Hour},
			[]time.Duration{0, ms},
			0,
			[]int{2},
			[]time.Duration{ms},
		},
		{
			"one picture waits no longer than the delay",
			Options{Most: 8, Delay: 5 * ms},
			[]time.Duration{3 * ms},
			0,
			[]int{1},
			[]time.Duration{8 * ms},
		},
		{
			"no later than its deadline lets it",
			Options{Most: 8, Delay: time.Hour},
			[]time.Duration{0, 4 * ms},
			30 * ms,
			[]int{2},
			[]time.Duration{30*ms - 10*ms},
		},
		{
			"two runs at a time",
			Options{Most: 2, Parallel: 2},
			[]time.Duration{0, ms, 2 * ms, 3 * ms},
			0,
			[]int{1, 1, 2},
			[]time.Duration{0, ms, 10 * ms},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &device{takes: 10 * ms}
				b := batcher(t, d, test.options)
				if test.deadline > 0 {
					b.took[2] = 10 * ms // as earlier runs have shown
				}
				var wg sync.WaitGroup
				for i, at := range test.arrivals {
					wg.Go(func() {
						time.Sleep(at)
						ctx := t.Context()
						if test.deadline > 0 {
							var cancel context.CancelFunc
							ctx, cancel = context.WithTimeout(ctx, test.deadline+ms)
							defer cancel()
							ctx = earlier{ctx, ms}
						}
						if got, err := ask(ctx, b, float32(i+1)); err != nil || got != float32(2*(i+1)) {
							t.Errorf("picture %d: %v, %v", i+1, got, err)
						}
					})
				}
				wg.Wait()
				b.Close()
				if diff := cmp.Diff(test.sizes, d.sizes); diff != "" {
					t.Errorf("sizes: -want +got\n%s", diff)
				}
				if diff := cmp.Diff(test.began, d.began); diff != "" {
					t.Errorf("began: -want +got\n%s", diff)
				}
			})
		})
	}
}

// earlier names a deadline a little before the ctx ends, so that a run that ends on
// the dot is in time.
type earlier struct {
	context.Context
	by time.Duration
}

func (e earlier) Deadline() (time.Time, bool) {
	at, is := e.Context.Deadline()
	return at.Add(-e.by), is
}

func TestACancelledPictureLeaves(t *testing.T) {
	const ms = time.Millisecond
	gone := errors.New("the caller has gone")
	t.Run("the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &device{takes: 10 * ms}
			b := batcher(t, d, Options{Most: 4})
			var wg sync.WaitGroup
			for i := range 3 { // the first runs alone, the others wait
				wg.Go(func() {
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					time.Sleep(time.Duration(i) * ms)
					if i == 1 {
						time.AfterFunc(2*ms, func() { cancel(gone) })
					}
					began := time.Now()
					_, err := ask(ctx, b, float32(i))
					if (i == 1) != errors.Is(err, gone) {
						t.Errorf("picture %d: %v", i, err)
					}
					if i == 1 && time.Since(began) != 2*ms {
						t.Errorf("it left after %v", time.Since(began))
					}
				})
			}
			wg.Wait()
			b.Close()
			if !slices.Equal(d.sizes, []int{1, 1}) {
				t.Errorf("runs of %v", d.sizes)
			}
		})
	})
	t.Run("its run, which is terminated", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &device{takes: time.Hour}
			b := batcher(t, d, Options{Most: 4, Delay: ms})
			ctx, cancel := context.WithCancelCause(t.Context())
			var wg sync.WaitGroup
			for i := range 3 {
				wg.Go(func() {
					if _, err := ask(ctx, b, float32(i)); !errors.Is(err, gone) {
						t.Errorf("%v", err)
					}
				})
			}
			time.AfterFunc(20*ms, func() { cancel(gone) })
			wg.Wait()
			b.Close()
			if d.terminated != 1 || time.Since(d.origin) > time.Minute {
				t.Errorf("%d runs were terminated, after %v", d.terminated, time.Since(d.origin))
			}
		})
	})
	t.Run("a run that others stay in, which goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := &device{takes: 10 * ms}
			b := batcher(t, d, Options{Most: 2})
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(15*ms, func() { cancel(gone) })
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = ask(t.Context(), b, 1) })
			synctest.Wait()
			wg.Go(func() {
				if _, err := ask(ctx, b, 2); !errors.Is(err, gone) {
					t.Errorf("the one that left: %v", err)
				}
			})
			wg.Go(func() {
				if got, err := ask(t.Context(), b, 3); err != nil || got != 6 {
					t.Errorf("the one that stayed: %v, %v", got, err)
				}
			})
			wg.Wait()
			b.Close()
			if d.terminated != 0 || !slices.Equal(d.sizes, []int{1, 2}) {
				t.Errorf("runs of %v, %d terminated", d.sizes, d.terminated)
			}
		})
	})
}

func TestAFailedRunFailsItsPicturesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("out of memory")
		d := &device{takes: time.Millisecond, fails: broken}
		b := batcher(t, d, Options{Most: 2, Delay: time.Hour})
		defer b.Close()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := ask(t.Context(), b, 1); !errors.Is(err, broken) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		d.fails = nil
		for range 2 {
			wg.Go(func() {
				if got, err := ask(t.Context(), b, 4); err != nil || got != 8 {
					t.Errorf("the next: %v, %v", got, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestTheReadersErrorIsRuns(t *testing.T) {
	b := batcher(t, &device{}, Options{Most: 1})
	defer b.Close()
	strange := errors.New("strange outputs")
	err := b.Run(t.Context(), like(), func([]detector.Tensor) error { return strange })
	if !errors.Is(err, strange) {
		t.Errorf("%v", err)
	}
}

func TestTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &device{takes: 10 * time.Millisecond}
		b := batcher(t, d, Options{Most: 4, Delay: time.Hour, Parallel: 2})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if got, err := ask(t.Context(), b, 5); err != nil || got != 10 {
					t.Errorf("what had come: %v, %v", got, err)
				}
			})
		}
		synctest.Wait()
		b.Close()
		wg.Wait()
		if _, err := ask(t.Context(), b, 5); functions.KindOf(err) != functions.Unavailable {
			t.Errorf("after the end: %v", err)
		}
	})
}

// lump answers one output for all pictures together.
type lump struct{}

func (lump) Run(_ context.Context, inputs []detector.Tensor, read func([]detector.Tensor) error) error {
	return read([]detector.Tensor{{Name: "selected", Shape: []int64{7, 3}, Ints: make([]int64, 21)}})
}

func TestWarming(t *testing.T) {
	t.Run("each size once", func(t *testing.T) {
		d := &device{}
		b := batcher(t, d, Options{Most: 6})
		defer b.Close()
		if err := b.Warm(t.Context()); err != nil || !slices.Equal(d.sizes, []int{2, 4, 6}) {
			t.Errorf("runs of %v, %v", d.sizes, err)
		}
	})
	t.Run("a model that does not keep its pictures apart is refused", func(t *testing.T) {
		b, err := New(lump{}, Options{Most: 2, Parallel: 1, Like: like()})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if err := b.Warm(t.Context()); err == nil {
			t.Error("it is not")
		}
	})
}

func TestSizes(t *testing.T) {
	for most, want := range map[int][]int{1: nil, 2: {2}, 3: {2, 3}, 8: {2, 4, 8}, 12: {2, 4, 8, 12}} {
		if got := Sizes(most); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", most, got, want)
		}
	}
}
