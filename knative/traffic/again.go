package traffic

import (
	"cmp"
	"context"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// read reads the function's state, again where that fails in passing.
func (r *Runner) read(ctx context.Context, function string) (State, error) {
	told := ""
	for {
		s, err := r.Cluster.Traffic(ctx, function)
		if err == nil || lasting(err) || ctx.Err() != nil {
			return s, cmp.Or(context.Cause(ctx), err)
		}
		if told != err.Error() {
			told = err.Error()
			r.tell("the cluster cannot be asked, it is tried again: %s", told)
		}
		if err := r.pause(ctx); err != nil {
			return s, err
		}
	}
}

// lasting says that trying again will not help.
func lasting(err error) bool {
	switch functions.KindOf(err) {
	case functions.NotFound, functions.Conflict, functions.Invalid, functions.NotPermitted, functions.Unauthenticated:
		return true
	}
	return false
}

func (r *Runner) pause(ctx context.Context) error {
	wait := time.NewTimer(cmp.Or(r.Poll, 2*time.Second))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
