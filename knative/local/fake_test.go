package local

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
)

// fakes launches processes that exist in virtual time alone.
type fakes struct {
	load time.Duration
	// settles is how long after its start an instance has still something to do.
	settles time.Duration
	// next says how the coming starts go; nil entries, and those beyond, go well.
	next []*ending

	mu       sync.Mutex
	launched int
	deaf     int // asked to leave while they were frozen
	peak     int
	alive    map[*fake]bool
}

type fake struct {
	all    *fakes
	name   string
	failed *ending

	frozen atomic.Bool
	warm   chan struct{} // closed when it is ready
	once   sync.Once
	ended  chan ending
}

func (fs *fakes) launch(name string, _ functions.Revision, _ Model) (process, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := &fake{all: fs, name: name, warm: make(chan struct{}), ended: make(chan ending, 1)}
	if fs.launched < len(fs.next) {
		f.failed = fs.next[fs.launched]
	}
	fs.launched++
	if fs.alive == nil {
		fs.alive = map[*fake]bool{}
	}
	fs.alive[f] = true
	fs.peak = max(fs.peak, len(fs.alive))
	return f, nil
}

func (fs *fakes) close() error { return nil }

func (fs *fakes) living() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.alive)
}

// named is the process at an address, or nil.
func (fs *fakes) named(name string) *fake {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.alive {
		if f.name == name {
			return f
		}
	}
	return nil
}

// any is one living process.
func (fs *fakes) any() *fake {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.alive {
		return f
	}
	return nil
}

func (f *fake) address() (string, string) { return "fake", f.name }

func (f *fake) ready(ctx context.Context) (functions.Start, error) {
	if f.failed != nil && f.failed.text == "hangs" {
		<-ctx.Done()
		return functions.Start{}, context.Cause(ctx)
	}
	select {
	case <-time.After(f.all.load):
	case <-ctx.Done():
		return functions.Start{}, context.Cause(ctx)
	}
	if f.failed != nil {
		f.end(*f.failed)
		return functions.Start{}, errors.New("connection reset")
	}
	close(f.warm)
	return functions.Start{Load: functions.Millis(f.all.load)}, nil
}

func (f *fake) terminate() {
	if f.frozen.Load() {
		f.all.mu.Lock()
		f.all.deaf++
		f.all.mu.Unlock()
	}
	f.end(ending{text: "left"})
}
func (f *fake) kill() { f.end(ending{killed: true, text: "signal: killed"}) }

func (f *fake) settle(gone <-chan struct{}) {
	select {
	case <-gone:
	case <-time.After(f.all.settles):
	}
}
func (f *fake) freeze() { f.frozen.Store(true) }
func (f *fake) thaw()   { f.frozen.Store(false) }

func (f *fake) end(e ending) {
	f.once.Do(func() {
		f.all.mu.Lock()
		delete(f.all.alive, f)
		f.all.mu.Unlock()
		f.ended <- e
	})
}

func (f *fake) wait() ending { return <-f.ended }

// world is a platform with its room, in a bubble of virtual time.
type world struct {
	*testing.T
	platform *Platform
	room     *coldstart.Room
	routes   *routing.Table
	fakes    *fakes
}

func newWorld(t *testing.T, fs *fakes, opts Options) *world {
	w := &world{T: t, routes: &routing.Table{}, fakes: fs}
	if opts.MaxInstances == 0 {
		opts.MaxInstances = 4
	}
	w.platform = newPlatform(w.routes, opts, fs)
	w.platform.policy = newPolicyOutside
	w.room = coldstart.New(w.platform, coldstart.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	w.platform.Start(ctx, w.room)
	done := make(chan struct{})
	go func() { defer close(done); _ = w.platform.Run(ctx, w.room) }()
	t.Cleanup(func() {
		cancel()
		<-done
		if n := fs.living(); n != 0 {
			t.Errorf("%d processes outlived the platform", n)
		}
	})
	return w
}

func function(change func(*functions.Scaling)) functions.Function {
	f := functions.Function{Metadata: functions.Metadata{Name: "eye"}}
	f.Spec.Scaling.ContainerConcurrency = 1
	if change != nil {
		change(&f.Spec.Scaling)
	}
	return f.WithDefaults()
}

func pulled(context.Context) (Model, error) { return Model{Path: "eye.onnx", Sum: "5um"}, nil }

func (w *world) deploy(f functions.Function) {
	w.Helper()
	if err := w.platform.Deploy(w.Context(), Deployment{Function: f, Pull: pulled}); err != nil {
		w.Fatal(err)
	}
}

// request asks once and holds its instance for service.
func (w *world) request(service time.Duration) error {
	rev, err := w.routes.Route("eye")
	if err != nil {
		return err
	}
	ticket, err := w.room.Enter(rev.Name)
	if err != nil {
		return err
	}
	defer ticket.Leave()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rev.Function.Spec.Scaling.Timeout))
	defer cancel()
	for {
		lease, err := ticket.Wait(ctx)
		if err != nil {
			return err
		}
		lost := false
		work := time.After(service)
		if f := w.fakes.named(lease.Address); f != nil {
			select { // as a real instance keeps a request until it is ready
			case <-f.warm:
				work = time.After(service)
			case <-lease.Life.Ended():
				work = nil
			case <-ctx.Done():
				work = nil
			}
		}
		select {
		case <-lease.Life.Ended():
			lost = true
		case <-work:
		case <-ctx.Done():
			lease.Release()
			return context.Cause(ctx)
		}
		lease.Release()
		if !lost {
			return nil
		}
		if !ticket.MayRetry(ctx, lease) {
			return errors.New("lost with its instance")
		}
	}
}

func (w *world) status() functions.FunctionStatus {
	return w.platform.Functions()[0]
}
