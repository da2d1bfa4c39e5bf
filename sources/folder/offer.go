package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// result is what became of an offer.
type result struct {
	name  string
	event events.Event
	err   error
	// ended: ctx ended before the file was taken. gone: somebody took it away.
	ended, gone bool
	// put is why it could not be put away.
	put error
}

// offerDue hands the files that are due to workers, and returns the time until another
// is.
func (r *reader) offerDue(ctx context.Context, now time.Time) time.Duration {
	next := time.Duration(r.options.Poll)
	for name, f := range r.files {
		wait := f.due.Sub(now)
		switch {
		case f.busy:
		case wait > 0:
			next = min(next, wait)
		case r.busy == r.options.InFlight: // a result wakes us
		case ctx.Err() != nil:
		case f.over:
			f.busy = true
			r.busy++
			r.workers.Go(func() { r.results <- result{name: name, put: r.putAway(name, f)} })
		default:
			r.offer(ctx, name, f)
		}
	}
	return next
}

// offer starts a worker for a file that has not changed since it was last seen.
func (r *reader) offer(ctx context.Context, name string, f *known) {
	info, err := r.root.Lstat(name)
	if err != nil {
		delete(r.files, name) // gone, or seen again by the next look
		return
	}
	if now := (look{info.Size(), info.ModTime()}); !now.same(f.look) {
		f.look, f.due = now, time.Now().Add(time.Duration(r.options.Settle))
		return
	}
	f.busy = true
	f.attempts++
	r.busy++
	r.workers.Go(func() {
		e, err := r.event(name, f.look)
		if _, gone := r.root.Lstat(name); err != nil && errors.Is(gone, fs.ErrNotExist) {
			r.results <- result{name: name, gone: true}
			return
		}
		if err == nil {
			err = r.take(ctx, e)
		}
		done := result{name: name, event: e, err: err, ended: err != nil && ctx.Err() != nil}
		_, again := r.options.Again(err, f.attempts)
		if !done.ended && (err == nil || !again) {
			if err != nil {
				f.problem = err
			}
			done.put = r.putAway(name, f)
		}
		r.results <- done
	})
}

// settle takes note of what became of a file.
func (r *reader) settle(done result) {
	r.busy--
	f := r.files[done.name]
	f.busy = false
	after, again := r.options.Again(done.err, f.attempts)
	switch {
	case done.gone:
		r.lookAgain(done.name)
		return
	case f.over: // only putting it away was tried
	case done.ended:
		f.due = time.Now()
		return
	case done.err != nil && again:
		f.due = time.Now().Add(after)
		return
	case done.err != nil:
		r.hooks.Refuse(intake.Refusal{Source: r.options.Name, From: done.name, Event: done.event, Bytes: int(f.size), Err: done.err})
	}
	f.over = true
	if done.put == nil {
		r.lookAgain(done.name)
		return
	}
	// It lies there still; offered again it would be under the same id, but need not be.
	r.hooks.Change(r.options.Name, intake.Failing, fmt.Errorf("putting away %q: %w", done.name, done.put))
	f.attempts++
	f.due = time.Now().Add(intake.Wait(f.attempts))
}

// lookAgain is for a file that is done with: another may have come under its name since,
// and what was told of it then was passed over.
func (r *reader) lookAgain(name string) {
	delete(r.files, name)
	r.see(name)
}

// event reads a file. Errors of the kind Unavailable may pass.
func (r *reader) event(name string, seen look) (events.Event, error) {
	data, err := r.read(name, seen)
	if err != nil {
		return events.Event{}, err
	}
	return r.options.Event(intake.Message{
		Data: data, ID: id(name, seen), Subject: name, Time: seen.time,
		Source: url.URL{Scheme: "file", Path: filepath.ToSlash(r.options.Path)},
	}, r.options.route(name))
}

// id follows from what a file is called and when it was written, so that a file that
// is offered twice is the same event, and another of its name is not.
func id(name string, seen look) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d:%s %d %d", len(name), name, seen.size, seen.time.UnixNano())
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// read returns the file's bytes, MaxBytes at most. The root does not follow a link out
// of the folder; opening does not wait, should the file have become a pipe.
func (r *reader) read(name string, seen look) ([]byte, error) {
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, readFault(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, readFault(err)
	}
	if !info.Mode().IsRegular() {
		return nil, functions.Errorf(functions.Invalid, "this is no regular file")
	}
	if info.Size() > int64(r.options.MaxBytes) {
		return nil, intake.TooLarge(info.Size(), r.options.MaxBytes)
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, readFault(err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, readFault(err)
	}
	if n < len(data) || after.Size() != info.Size() || !after.ModTime().Equal(info.ModTime()) {
		return nil, functions.Errorf(functions.Unavailable, "the file changed while it was read")
	}
	return data, nil
}

// readFault tells what may pass from what will not: a way out of the folder, and a link
// to nothing.
func readFault(err error) error {
	// What is no error of the system's is os.Root's own: the link leads out.
	if _, system := errors.AsType[syscall.Errno](err); !system || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return functions.Errorf(functions.Forbidden, "this is a link that leads out of the folder, or nowhere").Because(err)
	}
	return functions.Errorf(functions.Unavailable, "the file cannot be read").Because(err)
}
