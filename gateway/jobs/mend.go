package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// tendEvery is how often the server in this process is asked whether it is well.
const tendEvery = 500 * time.Millisecond

// mendFree is the least space with which the store is opened again: the server
// writes its own files first.
const mendFree = 1 << 20

// room refuses a job while the disk has too little left. What is left belongs to
// the outcomes of jobs that were accepted.
func (j *Jobs) room(l *link) error {
	if j.server == nil || j.opts.MinFree < 0 {
		return nil
	}
	free, err := j.server.free()
	if err != nil {
		return j.unavailable(err)
	}
	if free < j.opts.MinFree {
		return (&functions.Error{
			Kind: functions.Unavailable, Detail: "the disk for jobs is full", RetryAfter: storeRetry,
		}).Because(fmt.Errorf("%d bytes are free, %d are kept", free, j.opts.MinFree))
	}
	return nil
}

// ail is called where a write was not answered: look now.
func (j *Jobs) ail() {
	select {
	case j.ailing <- struct{}{}:
	default:
	}
}

// tend looks after the server in this process, the clock, and the numbers that are
// shown, until ctx ends.
func (j *Jobs) tend(ctx context.Context) {
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for beat := 0; ; beat++ {
		if j.server != nil && !j.server.healthy() {
			j.mend(ctx)
		}
		if l, err := j.link(); err == nil {
			if j.server != nil {
				if err := j.heedClock(ctx, l); err != nil && ctx.Err() == nil {
					j.opts.Noticed(err) // and looked at again
				}
			}
			if beat%4 == 0 {
				j.count(ctx, l)
			}
		}
		select {
		case <-ticker.C:
		case <-j.ailing:
		case <-ctx.Done():
			return
		}
	}
}

// mend closes the store that takes no more writes and opens it again as soon as the
// disk has room, all in this process: nobody has to restart anything. What was
// acknowledged is on disk; what was not is read as if it had never come.
func (j *Jobs) mend(ctx context.Context) {
	j.opts.Noticed(errors.New("the store of jobs takes no more writes: it is opened again"))
	if l := j.become(nil); l != nil {
		l.close()
	}
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	for {
		err := j.reopen(ctx)
		if err == nil {
			return
		}
		j.opts.Noticed(fmt.Errorf("opening the store of jobs again: %w", err))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (j *Jobs) reopen(ctx context.Context) error {
	free, err := j.server.free()
	if err != nil {
		return err
	}
	if least := max(mendFree, j.opts.MinFree); free < least {
		return fmt.Errorf("%d bytes are free, %d are needed", free, least)
	}
	if err := j.server.restart(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	l, err := j.connect(limited)
	if err != nil {
		return err
	}
	j.become(l)
	return nil
}
