package jobs

import (
	"context"
	"errors"
	"io"

	"github.com/nats-io/nats.go"

	"github.com/seed45885407/saccade/functions"
)

// Watcher tells the changes of one job.
type Watcher struct {
	jobs  *Jobs
	id    string
	from  *link
	sub   *nats.Subscription
	told  chan *nats.Msg
	began bool
	seen  Status
}

// Watch begins to watch a job: the first Next tells its state as it is. Errors are
// functions.Errors: JobNotFound, Unavailable.
func (j *Jobs) Watch(ctx context.Context, id string) (*Watcher, error) {
	w := &Watcher{jobs: j, id: id}
	if err := w.listen(); err != nil {
		return nil, err
	}
	if _, err := j.Get(ctx, id); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// listen hears of every record that is stored, before it is read for the first
// time: nothing falls between the two.
func (w *Watcher) listen() error {
	l, err := w.jobs.link()
	if err != nil {
		return err
	}
	at := subject(records, w.id)
	if at == "" {
		return w.jobs.unfound(errAbsent)
	}
	w.told = make(chan *nats.Msg, 64)
	if w.sub, err = l.conn.ChanSubscribe(told+at, w.told); err != nil {
		return w.jobs.unavailable(err)
	}
	// The server must know of it before the record is read.
	if err := l.conn.FlushTimeout(w.jobs.opts.StoreTimeout); err != nil {
		w.Close()
		return w.jobs.unavailable(err)
	}
	w.from = l
	return nil
}

// Close ends the watch.
func (w *Watcher) Close() {
	if w.sub != nil {
		_ = w.sub.Unsubscribe() // the link may be gone: then there is nothing to end
	}
}

// Next waits for the job to change, and is io.EOF after its last state. Where ctx
// ends first the error is ctx's, and Next can be called again.
func (w *Watcher) Next(ctx context.Context) (Status, error) {
	if w.began && w.seen.State.Final() {
		return Status{}, io.EOF
	}
	for {
		status, err := w.jobs.Get(ctx, w.id)
		switch {
		case ctx.Err() != nil:
			return Status{}, ctx.Err()
		case functions.KindOf(err) == functions.Unavailable: // it is being mended: look again then
		case err != nil:
			return Status{}, err
		case !w.began || status.Version != w.seen.Version:
			w.began, w.seen = true, status
			return status, nil
		}
		if err := w.wait(ctx); err != nil {
			return Status{}, err
		}
	}
}

// wait returns when there may be something new.
func (w *Watcher) wait(ctx context.Context) error {
	select {
	case <-w.told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.from.gone:
	}
	if _, err := w.jobs.untilLinked(ctx); err != nil {
		return err
	}
	if err := w.listen(); err != nil && !errors.Is(err, ctx.Err()) {
		pause(ctx, least)
	}
	return ctx.Err()
}
