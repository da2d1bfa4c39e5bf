package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// setBackBy is how far the wall clock must have gone back to be heeded. What pauses
// is late by no more than a clock that went back by less.
const setBackBy = time.Second

// heedClock sees to what pauses when the wall clock was set back. The store writes
// down by that clock when a message was given out and until when it pauses: of one
// that was set back by an hour nothing that pauses, or was taken by a process that
// died, would be given out again for an hour. When the clock was last looked at is
// the lock's time, so that it is noticed too where it happened while no process ran.
//
// Only a store in this process is seen to: a cluster has clocks of its own.
func (j *Jobs) heedClock(ctx context.Context, l *link) error {
	now := time.Now()
	back, err := j.server.setBack(now)
	if err != nil {
		return err
	}
	if back {
		j.opts.Noticed(errors.New("the clock was set back: what pauses is taken up at once"))
		if err := j.takeUp(ctx, l); err != nil {
			return fmt.Errorf("taking up what pauses: %w", err)
		}
	}
	return j.server.look(now) // not before it was seen to: we may die
}

// takeUp has every message given out again that is in a lane. What is worked on
// meanwhile is worked on twice: of the two outcomes the records take one.
func (j *Jobs) takeUp(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	for _, stream := range []string{queue, deliveries} {
		names := l.streams[stream].ConsumerNames(ctx)
		for name := range names.Name() {
			if !strings.HasPrefix(name, laneName) {
				continue
			}
			if _, err := l.streams[stream].ResetConsumer(ctx, name); err != nil {
				return err
			}
		}
		if err := names.Err(); err != nil {
			return err
		}
	}
	return nil
}

// setBack tells whether the clock shows less than when it was last looked at.
func (e *embedded) setBack(now time.Time) (bool, error) {
	info, err := e.lock.Stat()
	if err != nil {
		return false, fmt.Errorf("reading when the clock was looked at: %w", err)
	}
	return now.Add(setBackBy).Before(info.ModTime()), nil
}

// look notes that the clock was looked at.
func (e *embedded) look(now time.Time) error {
	if err := os.Chtimes(e.lock.Name(), now, now); err != nil {
		return fmt.Errorf("noting when the clock was looked at: %w", err)
	}
	return nil
}
