package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/seed45885407/saccade/sources/intake"
)

// maxKnown is the most files that are thought about at a time; more wait in the folder.
const maxKnown = 10_000

// look is what tells whether a file has changed.
type look struct {
	size int64
	time time.Time
}

func (l look) same(other look) bool { return l.size == other.size && l.time.Equal(other.time) }

// known is what is known of a file that lies in the folder.
type known struct {
	look
	// due is when to offer it, or to put it away.
	due time.Time
	// attempts counts what was tried with it.
	attempts int
	// busy: a worker has it, who alone may look at it. over: it was taken or refused,
	// and only putting it away is left.
	busy, over bool
	// problem is why it was refused, nil where it was taken.
	problem error
}

// reader is one Run of a source.
type reader struct {
	options Options
	hooks   intake.Hooks
	take    intake.Take
	root    *os.Root
	taken   *taken // nil but for keep
	watcher *fsnotify.Watcher
	files   map[string]*known
	results chan result
	workers sync.WaitGroup
	busy    int
	state   intake.State
}

// open takes hold of the folder.
func (s *Source) open(take intake.Take) (*reader, error) {
	absolute, err := filepath.Abs(s.options.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	root, err := os.OpenRoot(absolute)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	r := &reader{
		options: s.options, hooks: s.hooks, take: take, root: root,
		files: map[string]*known{}, results: make(chan result, s.options.InFlight),
	}
	r.options.Path = absolute
	if r.options.Done == DoneKeep {
		if r.taken, err = remember(r.options.State); err != nil {
			r.close()
			return nil, err
		}
	}
	// Where watching is not to be had, polling does it, later.
	if r.watcher, err = fsnotify.NewWatcher(); err == nil {
		err = r.watcher.Add(r.options.Path)
	}
	if err != nil {
		r.hooks.Change(r.options.Name, intake.Failing, fmt.Errorf("watching the folder, which is polled all the same: %w", err))
	}
	return r, nil
}

func (r *reader) close() {
	if r.watcher != nil {
		_ = r.watcher.Close()
	}
	if r.taken != nil {
		_ = r.taken.close() // each line was synced when it was written
	}
	_ = r.root.Close()
}

// run is the one goroutine that knows the files; workers read and offer them.
func (r *reader) run(ctx context.Context) error {
	var events chan fsnotify.Event
	var faults chan error
	if r.watcher != nil {
		events, faults = r.watcher.Events, r.watcher.Errors
	}
	poll := time.NewTicker(time.Duration(r.options.Poll))
	defer poll.Stop()
	wake := time.NewTimer(0)
	defer wake.Stop()
	r.scan()
	for {
		wake.Reset(r.offerDue(ctx, time.Now()))
		select {
		case <-ctx.Done():
			r.workers.Wait()
			for r.busy > 0 { // the last ones put away what was taken
				r.settle(<-r.results)
			}
			return nil
		case <-poll.C:
			r.scan()
		case <-wake.C:
		case done := <-r.results:
			r.settle(done)
		case event := <-events:
			if event.Has(fsnotify.Create | fsnotify.Write | fsnotify.Chmod) {
				r.notice(event.Name)
			}
		case <-faults: // more changes than it can tell of: look for oneself
			r.scan()
		}
	}
}

// notice looks at one file or folder that the watcher named.
func (r *reader) notice(full string) {
	name, err := filepath.Rel(r.options.Path, full)
	if err != nil {
		return
	}
	name = filepath.ToSlash(name)
	if info, err := r.root.Lstat(name); err == nil && info.IsDir() {
		if r.options.Recursive && !isOurs(name) {
			r.scan()
		}
		return
	}
	r.see(name)
}

// scan looks through the folder, and forgets what has gone.
func (r *reader) scan() {
	r.reopen()
	maps.DeleteFunc(r.files, func(name string, f *known) bool {
		_, err := r.root.Lstat(name)
		return errors.Is(err, fs.ErrNotExist) && !f.busy
	})
	err := r.scanFolder(".")
	if err == nil && r.taken != nil {
		err = r.taken.forget(func(name string) bool {
			_, err := r.root.Lstat(name)
			return err == nil
		})
	}
	state := intake.Connected
	if err != nil {
		state, err = intake.Failing, fmt.Errorf("looking through the folder: %w", err)
	}
	if state != r.state {
		r.hooks.Change(r.options.Name, state, err)
	}
	r.state = state
}

// reopen takes hold of the folder that has come in the place of the one it was, as
// with a share that is mounted again.
func (r *reader) reopen() {
	was, err := r.root.Stat(".")
	is, isErr := os.Stat(r.options.Path)
	if isErr != nil || r.busy > 0 || err == nil && os.SameFile(was, is) {
		return
	}
	root, err := os.OpenRoot(r.options.Path)
	if err != nil {
		return // the scan tells of it
	}
	_ = r.root.Close()
	r.root = root
	if r.watcher != nil {
		_ = r.watcher.Add(r.options.Path) // else it is polled
	}
}

func (r *reader) scanFolder(dir string) error {
	f, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if r.watcher != nil && dir != "." {
		_ = r.watcher.Add(filepath.Join(r.options.Path, filepath.FromSlash(dir))) // else it is polled
	}
	for {
		entries, err := f.ReadDir(256) // a folder may have millions
		for _, entry := range entries {
			name := path.Join(dir, entry.Name())
			switch {
			case isOurs(name), len(r.files) >= maxKnown:
			case !entry.IsDir():
				r.see(name)
			case r.options.Recursive:
				if err := r.scanFolder(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
		if len(entries) == 0 || err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// see looks at a file, and sets when it is due where it is new or has changed.
func (r *reader) see(name string) {
	f := r.files[name]
	if isOurs(name) || f != nil && f.busy || f == nil && len(r.files) >= maxKnown {
		return
	}
	info, err := r.root.Lstat(name)
	if err != nil || info.IsDir() {
		return
	}
	now := look{info.Size(), info.ModTime()}
	if f != nil && f.look.same(now) || r.taken != nil && r.taken.has(name, now) {
		return
	}
	due := time.Now()
	if !r.options.Renamed {
		due = due.Add(time.Duration(r.options.Settle))
	}
	r.files[name] = &known{look: now, due: due}
}
