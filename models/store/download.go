package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// origin is one place to get one model from.
type origin struct {
	source Source
	uri    string // as source takes it
	shown  string // for the log
	place  string // for the caller
	key    string // of its partial
}

// wrongSum is a file that is not the one wanted.
type wrongSum struct {
	place, shown, want, got string
}

// Error tells all, for the log.
func (w *wrongSum) Error() string {
	return fmt.Sprintf("%s has SHA-256 %s where %s is wanted", w.shown, w.got, w.want)
}

var (
	errStalled = errors.New("nothing came for too long")
	errCutOff  = errors.New("the connection ended before the file did")
)

const (
	// fruitlessTries that get no further are enough to give up, and so are maxTries
	// however much they gain: a server that ends every answer is not to keep us.
	fruitlessTries = 3
	maxTries       = 50
)

// get downloads from o, checks the file and lands it. Its caller holds the lock
// of o's key. An error of type *wrongSum says that want was not met.
func (s *Store) get(ctx context.Context, o origin, want string, m *meter) (Model, error) {
	p, err := openPartial(s.partial(o.key))
	if err != nil {
		return Model{}, cannotWrite(err)
	}
	err = s.download(ctx, o, p, m)
	if err == nil && want != "" && p.hex() != want && p.resumed {
		// Two files may have got mixed up under one mark: only a whole one counts.
		if err = p.restart(mark{Size: -1}); err == nil {
			err = s.download(ctx, o, p, m)
		}
	}
	if err != nil {
		// What another try can continue stays, for whoever makes it.
		if _, ok := errors.AsType[temporary](err); p.size > 0 && (ok || ctx.Err() != nil) {
			_ = p.file.Close()
		} else {
			_ = p.discard()
		}
		return Model{}, err
	}
	return s.finish(o, p, want)
}

// finish lands what is as wanted and discards what is not.
func (s *Store) finish(o origin, p *partial, want string) (Model, error) {
	sum := p.hex()
	if want != "" && sum != want {
		_ = p.discard() // the answer is the same whether or not it can be removed
		return Model{}, &wrongSum{o.place, o.shown, want, sum}
	}
	if p.size == 0 {
		_ = p.discard()
		return Model{}, unavailable(fmt.Errorf("%s is empty", o.shown), "%s sent an empty file where a model belongs", o.place)
	}
	if s.opts.Check != nil {
		if err := s.opts.Check(p.path); err != nil {
			_ = p.discard()
			why := "it is no model that can be served"
			if e, ok := errors.AsType[*functions.Error](err); ok {
				why = e.Detail
			}
			return Model{}, unavailable(fmt.Errorf("checking %s: %w", o.shown, err), "what %s has cannot be served: %s", o.place, why)
		}
	}
	model, err := s.keep(p, sum)
	if err != nil {
		return Model{}, cannotWrite(err)
	}
	model.From = o.shown
	return model, nil
}

// download tries until p is whole, as long as that gets it further.
func (s *Store) download(ctx context.Context, o origin, p *partial, m *meter) error {
	fruitless, most := 0, p.size
	wait := s.opts.Backoff
	for try := 1; ; try++ {
		if p.complete() {
			return nil
		}
		err := s.try(ctx, o, p, m)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if p.size > most {
			fruitless, most, wait = 0, p.size, s.opts.Backoff
		} else {
			fruitless++
		}
		if _, ok := errors.AsType[temporary](err); !ok || fruitless == fruitlessTries || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// try continues p once. A source that sends nothing for StallTimeout is let go,
// whether it is silent before its answer or within.
func (s *Store) try(ctx context.Context, o origin, p *partial, m *meter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(s.opts.StallTimeout, func() { cancel(errStalled) })
	defer watchdog.Stop()

	blob, err := o.source.Open(ctx, o.uri, p.size, p.mark.Mark)
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			return temporary{unavailable(errors.Join(errStalled, err), "%s does not answer when asked for the model", o.place)}
		}
		return err
	}
	defer blob.Body.Close()
	if blob.Size > s.opts.MaxBytes {
		return s.tooLarge(o)
	}
	if blob.Offset == 0 {
		if err := p.restart(mark{Mark: blob.Mark, Size: blob.Size}); err != nil {
			return cannotWrite(err)
		}
	} else {
		p.resumed = true
	}
	err = s.copy(o, p, blob, m, func() { watchdog.Reset(s.opts.StallTimeout) })
	if errors.Is(context.Cause(ctx), errStalled) {
		return temporary{unavailable(errStalled, "%s stopped sending the model", o.place)}
	}
	return err
}

// copy appends the rest of blob to p; alive is called for every piece of it.
func (s *Store) copy(o origin, p *partial, blob *Blob, m *meter, alive func()) error {
	buffer := make([]byte, 256<<10)
	for {
		n, err := blob.Body.Read(buffer)
		if p.size+int64(n) > s.opts.MaxBytes {
			return s.tooLarge(o)
		}
		if n > 0 {
			alive()
			if _, err := p.Write(buffer[:n]); err != nil {
				return cannotWrite(err)
			}
			m.set(p.size, blob.Size)
		}
		switch {
		case err == io.EOF && blob.Size >= 0 && p.size != blob.Size:
			err = errCutOff
		case err == io.EOF:
			return nil
		case err == nil:
			continue
		}
		return temporary{unavailable(err, "%s broke off while sending the model", o.place)}
	}
}

func (s *Store) tooLarge(o origin) error {
	return unavailable(fmt.Errorf("%s is larger than %d bytes", o.shown, s.opts.MaxBytes),
		"the model at %s is larger than we take", o.place)
}

func cannotWrite(err error) error {
	return unavailable(fmt.Errorf("writing model: %w", err), "the model store cannot be written")
}
