package traffic

import (
	"context"
	"errors"
	"slices"

	"github.com/seed45885407/saccade/functions"
)

// Previous is the revision that a rollback goes to: the one that the newest rollout
// began from, where its canary is what gets most requests now; else the newest of the
// older ones that is ready.
func (s State) Previous() (string, error) {
	stable := s.Stable()
	if r, is := s.Rollout(); is && r.Canary == stable && r.Stable != stable {
		if old, there := s.Revision(r.Stable); there && old.Ready {
			return old.Name, nil
		}
	}
	at := slices.IndexFunc(s.Revisions, func(r Revision) bool { return r.Name == stable })
	for _, r := range s.Revisions[at+1:] {
		if at >= 0 && r.Ready {
			return r.Name, nil
		}
	}
	return "", functions.Errorf(functions.Conflict, "%s has no revision before %s that is ready", s.Function, stable)
}

// Rollback gives all requests to a revision at once, the previous one where to is empty,
// and says which. A rollout that is under way is over with it.
func (r *Runner) Rollback(ctx context.Context, function, to string) (string, error) {
	s, err := r.read(ctx, function)
	if err != nil {
		return "", err
	}
	if under, is := s.Rollout(); is && under.Phase == Running {
		switch {
		case under.Swap != nil && !under.Swap.Over():
			return "", functions.Errorf(functions.Conflict, "a swap to %s is under way: go on with rollout --resume, or end it with --abort", under.Canary)
		case to == "" || to == under.Stable:
			return under.Stable, r.Abort(ctx, function)
		}
	}
	if to == "" {
		if to, err = s.Previous(); err != nil {
			return "", err
		}
	}
	return to, r.change(ctx, s, func(s State) (Change, error) {
		targets, err := Split(s, Wish{Shares: []Share{{to, 100}}})
		change := Change{Version: s.Version, Targets: targets}
		if under, is := s.Rollout(); is && under.Phase == Running {
			under.Phase, under.Reason, under.Changed = Aborted, "it was rolled back", now()
			change.Annotations = under.annotations()
		}
		return change, err
	})
}

// Set changes the split by a wish. It is refused while a rollout is under way.
func (r *Runner) Set(ctx context.Context, function string, wish Wish) error {
	s, err := r.read(ctx, function)
	if err != nil {
		return err
	}
	return r.change(ctx, s, func(s State) (Change, error) {
		if under, is := s.Rollout(); is && under.Phase == Running {
			return Change{}, functions.Errorf(functions.Conflict, "a rollout of %s is under way: end it first, with rollout --abort", under.Canary)
		}
		targets, err := Split(s, wish)
		return Change{Version: s.Version, Targets: targets}, err
	})
}

// change works a change out and writes it, anew where the function has changed meanwhile.
func (r *Runner) change(ctx context.Context, s State, work func(State) (Change, error)) error {
	for {
		change, err := work(s)
		if err != nil {
			return err
		}
		if err := r.Cluster.Change(ctx, s.Function, change); !errors.Is(err, ErrChanged) {
			return err
		}
		if s, err = r.read(ctx, s.Function); err != nil {
			return err
		}
	}
}
