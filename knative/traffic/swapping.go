package traffic

import (
	"context"
	"errors"
	"time"
)

// swap carries a swap out, from the phase it is in, and keeps each phase before it goes
// on, so that an interruption costs nothing but time.
func (r *Runner) swap(ctx context.Context, function string, rollout Rollout) error {
	r.tell("%s and %s do not fit beside each other: requests wait while they change", rollout.Stable, rollout.Canary)
	// An interruption leaves requests waiting: the one who comes back has to know.
	leave := func(err error) error {
		r.tell("requests of %s may still be held in the gateways, for %v at most", function, drainLease)
		return r.left(rollout, err)
	}
	act, began := rollout.Swap.Begin(), time.Now()
	var renewed time.Time // an act that holds requests renews as well
	for {
		s, err := r.read(ctx, function)
		if err != nil {
			return leave(err)
		}
		if err := r.act(ctx, s, rollout, act); err != nil {
			return leave(err)
		}
		if rollout.Swap.Over() {
			break
		}
		if act != ActNone {
			renewed = time.Now()
		} else if err := r.pause(ctx); err != nil {
			return leave(err)
		}
		if s, err = r.read(ctx, function); err != nil {
			return leave(err)
		}
		if time.Since(renewed) >= renewEvery && r.renew(ctx, s) {
			renewed = time.Now()
		}
		if rollout.Swap.Renewed == rollout.Canary && s.LatestCreated != rollout.Canary {
			rollout.Canary = s.LatestCreated
		}
		next, then := r.next(s, rollout, time.Since(began))
		if next.Phase != rollout.Swap.Phase {
			began = time.Now()
			r.tell("%s", next.line(rollout))
		}
		rollout.Swap, act = &next, then
	}
	if rollout.Swap.Phase == SwappedIn {
		return &Returned{rollout.Stable, rollout.Swap.Reason}
	}
	return nil
}

// renew says once more that requests are held, and whether it could: where it could not, it
// is tried again soon.
func (r *Runner) renew(ctx context.Context, s State) bool {
	return r.Cluster.Change(ctx, s.Function, Change{Version: s.Version, Annotations: held()}) == nil
}

// held are the annotations that hold requests.
func held() map[string]string {
	return map[string]string{DrainAnnotation: "true", RenewedAnnotation: now().Format(time.RFC3339)}
}

// flowing takes them away.
func flowing() map[string]string {
	return map[string]string{DrainAnnotation: "", RenewedAnnotation: ""}
}

// next is the swap's next phase. A revision that was deployed meanwhile wants the card
// too: it is not waited for.
func (r *Runner) next(s State, rollout Rollout, held time.Duration) (Swap, Act) {
	swap := *rollout.Swap
	older, _ := s.Revision(rollout.Stable)
	newer, there := s.Revision(rollout.Canary)
	given := swap.Phase == Leaving || swap.Phase == Moving
	if (s.LatestCreated != rollout.Canary || !there) && !given && swap.Renewed != rollout.Canary {
		swap.Phase, swap.Reason = Leaving, s.LatestCreated+" was deployed in the middle of the swap"
		return swap, swap.Begin()
	}
	return swap.Next(SwapSeen{Old: older, New: newer, Moved: s.Percent(rollout.Canary) == 100, Held: held})
}

// act does what a phase begins with, as often as it takes.
func (r *Runner) act(ctx context.Context, s State, rollout Rollout, act Act) error {
	kept := rollout
	if kept.Swap.Over() {
		kept.Phase = map[SwapPhase]Phase{SwapDone: Done, SwappedIn: Back}[kept.Swap.Phase]
		kept.Reason, kept.Changed = kept.Swap.Reason, now()
	}
	split := func(drain map[string]string) error { return r.write(ctx, s, kept, nil, drain) }
	again := func(do func() error) error {
		for {
			err := do()
			if err == nil || lasting(err) {
				return err
			}
			r.tell("it is tried again: %v", err)
			if err := r.pause(ctx); err != nil {
				return err
			}
		}
	}
	pods := func(do func(ctx context.Context, function, revision string) error, revision string) func() error {
		return func() error { return do(ctx, s.Function, revision) }
	}
	switch act {
	case ActHold:
		return split(held())
	case ActRest:
		return errors.Join(split(held()), again(pods(r.Pods.Rest, rollout.Stable)))
	case ActRenew:
		return errors.Join(split(held()), again(func() error { return r.Pods.Renew(ctx, s.Function, rollout.Canary) }))
	case ActMove:
		return split(held())
	case ActFlow: // the old revision is what it was, but for the split: nobody reaches it
		return errors.Join(split(flowing()), again(pods(r.Pods.Rouse, rollout.Stable)))
	case ActEvict:
		return errors.Join(split(held()), again(pods(r.Pods.Rest, rollout.Canary)))
	case ActRestore:
		return errors.Join(again(pods(r.Pods.Rouse, rollout.Stable)), split(flowing()))
	}
	return nil
}

// line tells of a phase.
func (s Swap) line(r Rollout) string {
	switch s.Phase {
	case Emptying:
		return "the pods of " + r.Stable + " finish what they have, and go"
	case Starting:
		return "the card is free: " + r.Canary + " starts"
	case Moving:
		return r.Canary + " is ready"
	case SwapDone:
		return "done: " + r.Canary + " has all requests"
	case Leaving:
		return "back: " + s.Reason + "; " + r.Canary + " makes way"
	}
	return "back: " + s.Reason + "; all requests go to " + r.Stable
}
