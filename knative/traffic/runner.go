package traffic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Meter reads what every gateway there is has counted of a function, by the gateway's
// name. Where none answers it is an error.
type Meter interface {
	Samples(ctx context.Context, function string) (map[string]Sample, error)
}

// Runner carries rollouts out.
type Runner struct {
	Cluster Cluster
	Pods    Pods
	Meter   Meter
	// Tell is told what happens, a line at a time. May be nil.
	Tell func(line string)
	// Poll is how often cluster and gateways are looked at. Default 2s.
	Poll time.Duration
}

// Returned is the error of a rollout that has gone back.
type Returned struct{ Stable, Reason string }

// Error is the sentence.
func (r *Returned) Error() string {
	return fmt.Sprintf("the rollout went back to %s: %s", r.Stable, r.Reason)
}

// ErrLeft says that a rollout ended before its end and the split stays as it is.
var ErrLeft = errors.New("the split stays as it is")

// Start rolls the function's newest revision out, once that is ready. It returns nil
// when all requests go there, a [*Returned] when it went back, and an ErrLeft when ctx
// ended or somebody else has changed the split: then the split stays.
func (r *Runner) Start(ctx context.Context, function string, plan Plan) error {
	plan, err := plan.WithDefaults()
	if err != nil {
		return err
	}
	s, err := r.read(ctx, function)
	if err != nil {
		return err
	}
	if under, is := s.Rollout(); is && under.Phase == Running {
		return functions.Errorf(functions.Conflict, "a rollout of %s is under way: go on with --resume, or end it with --abort", under.Canary)
	}
	stable, canary := s.Stable(), s.LatestCreated
	switch {
	case stable == "":
		return functions.Errorf(functions.Conflict, "no revision of %s gets requests yet: there is nothing to roll out from", function)
	case stable == canary:
		return functions.Errorf(functions.Conflict,
			"%s is the newest revision and gets most requests already; to roll the next one out, keep the split where it is before you deploy: saccade traffic %s stable=100",
			stable, function)
	}
	rollout := Rollout{Plan: plan, Stable: stable, Canary: canary, Phase: Running, Changed: now()}
	if s, err = r.awake(ctx, s, canary); err != nil {
		return err
	}
	if c, _ := s.Revision(canary); !c.Ready {
		rollout.Swap = &Swap{Phase: Holding}
	}
	if err := r.write(ctx, s, rollout, nil); err != nil {
		return err
	}
	return r.carryOn(ctx, function, rollout)
}

// Resume goes on with a rollout that was interrupted, at the step it had reached.
func (r *Runner) Resume(ctx context.Context, function string) error {
	s, err := r.read(ctx, function)
	if err != nil {
		return err
	}
	rollout, is := s.Rollout()
	if !is || rollout.Phase != Running {
		return functions.Errorf(functions.Conflict, "no rollout of %s is under way", function)
	}
	return r.carryOn(ctx, function, rollout)
}

// Abort ends a rollout that is under way: all requests go to the stable revision.
func (r *Runner) Abort(ctx context.Context, function string) error {
	s, err := r.read(ctx, function)
	if err != nil {
		return err
	}
	rollout, is := s.Rollout()
	if !is || rollout.Phase != Running {
		return functions.Errorf(functions.Conflict, "no rollout of %s is under way", function)
	}
	if rollout.Swap != nil && !rollout.Swap.Over() {
		rollout.Swap.Phase, rollout.Swap.Reason = Leaving, "it was aborted"
		if _, returned := errors.AsType[*Returned](r.swap(ctx, function, rollout)); returned {
			return nil
		}
		return ErrLeft
	}
	rollout.Phase, rollout.Reason, rollout.Changed = Aborted, "it was aborted", now()
	r.tell("all requests of %s go to %s", function, rollout.Stable)
	return r.write(ctx, s, rollout, nil)
}

func (r *Runner) carryOn(ctx context.Context, function string, rollout Rollout) error {
	if rollout.Swap != nil && !rollout.Swap.Over() {
		return r.swap(ctx, function, rollout)
	}
	return r.follow(ctx, function, rollout)
}

// awake waits until the canary is ready, or until it is plain that it finds no place
// beside the stable one, where that is to make way.
func (r *Runner) awake(ctx context.Context, s State, canary string) (State, error) {
	told := ""
	for {
		c, there := s.Revision(canary)
		switch {
		case s.LatestCreated != canary:
			return s, functions.Errorf(functions.Conflict, "%s was deployed meanwhile: start again", s.LatestCreated)
		case !there:
			return s, functions.Errorf(functions.Conflict, "%s is gone", canary)
		case c.Ready, c.Unschedulable != "" && s.Strategy() == StrategySwap:
			return s, nil
		case c.Failed:
			return s, functions.Errorf(functions.Conflict, "%s does not come up%s", canary, because(c.Reason))
		}
		line := canary + " is not ready yet" + because(cmp.Or(c.Unschedulable, c.Reason))
		if line != told {
			r.tell("%s", line)
			told = line
		}
		if err := r.pause(ctx); err != nil {
			return s, err
		}
		var err error
		if s, err = r.read(ctx, s.Function); err != nil {
			return s, err
		}
	}
}

// follow looks at the steps of a rollout until it is over.
func (r *Runner) follow(ctx context.Context, function string, rollout Rollout) error {
	for {
		r.tell("%s gets %d %% of the requests, %s %d %%", rollout.Canary, rollout.Percent(), rollout.Stable, 100-rollout.Percent())
		seen, v, err := r.hold(ctx, function, rollout)
		if err != nil {
			return r.left(rollout, err)
		}
		r.tell("%s", rollout.describe(seen))
		before := rollout.Targets(seen.State)
		rollout = rollout.After(v, now())
		if v.Move == Leave {
			r.note(ctx, seen.State, rollout)
			return fmt.Errorf("%s: %w", v.Reason, ErrLeft)
		}
		if err := r.write(ctx, seen.State, rollout, before); err != nil {
			return r.left(rollout, err)
		}
		switch v.Move {
		case Return:
			r.tell("back: %s; all requests go to %s", v.Reason, rollout.Stable)
			return &Returned{rollout.Stable, v.Reason}
		case Finish:
			r.tell("done: %s; %s has all requests", v.Reason, rollout.Canary)
			return nil
		}
		r.tell("forward: %s", v.Reason)
	}
}

// left says what to do after a rollout has ended before its end.
func (r *Runner) left(rollout Rollout, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped at %d %% for %s: %w; go on with --resume, or end it with --abort", rollout.Percent(), rollout.Canary, ErrLeft)
	}
	return fmt.Errorf("%w; %w: go on with --resume, or end it with --abort", err, ErrLeft)
}

// hold looks at one step until there is a verdict on it.
func (r *Runner) hold(ctx context.Context, function string, rollout Rollout) (Seen, Verdict, error) {
	var window Window
	began, heard, told := time.Now(), time.Now(), ""
	for {
		if err := r.pause(ctx); err != nil {
			return Seen{}, Verdict{}, err
		}
		s, err := r.read(ctx, function)
		if err != nil {
			return Seen{}, Verdict{}, err
		}
		samples, err := r.Meter.Samples(ctx, function)
		deaf := time.Duration(0)
		if err == nil {
			window.See(samples)
			heard, told = time.Now(), ""
		} else if deaf = time.Since(heard); told != err.Error() {
			told = err.Error()
			r.tell("no gateway can be asked: %s", told)
		}
		seen := Seen{
			State: s, Held: time.Since(began), Deaf: deaf,
			Stable: window.Of(rollout.Stable), Canary: window.Of(rollout.Canary),
		}
		if v := rollout.Next(seen); v.Move != Wait {
			return seen, v, nil
		}
	}
}

// write makes the split that of the rollout and keeps the rollout's state, whatever it
// takes but ctx. before is the split it may find; nil: any.
func (r *Runner) write(ctx context.Context, s State, rollout Rollout, before []Target, more ...map[string]string) error {
	for {
		if before != nil && !sameSplit(s.current(), before) && !sameSplit(s.current(), rollout.Targets(s)) {
			return fmt.Errorf("somebody else has changed the split: %w", ErrLeft)
		}
		change := Change{Version: s.Version, Targets: rollout.Targets(s), Annotations: rollout.annotations(more...)}
		if err := Check(change.Targets); err != nil {
			return err
		}
		err := r.Cluster.Change(ctx, s.Function, change)
		switch {
		case err == nil:
			return nil
		case lasting(err):
			return err
		case !errors.Is(err, ErrChanged):
			r.tell("the split cannot be changed, it is tried again: %v", err)
			if err := r.pause(ctx); err != nil {
				return err
			}
		}
		if s, err = r.read(ctx, s.Function); err != nil {
			return err
		}
	}
}

// note keeps the rollout's state and leaves the split. It is no harm where it fails: the
// next one will find the split changed too.
func (r *Runner) note(ctx context.Context, s State, rollout Rollout) {
	if err := r.Cluster.Change(ctx, s.Function, Change{Version: s.Version, Annotations: rollout.annotations()}); err != nil {
		r.tell("%s cannot be written: %v", StatusAnnotation, err)
	}
}

func (r *Runner) tell(format string, args ...any) {
	if r.Tell != nil {
		r.Tell(fmt.Sprintf(format, args...))
	}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// annotations are what the Service says of the rollout.
func (r Rollout) annotations(more ...map[string]string) map[string]string {
	text, _ := json.Marshal(r) // of plain values
	all := map[string]string{StatusAnnotation: string(text)}
	for _, m := range more {
		for name, value := range m {
			all[name] = value
		}
	}
	return all
}

// Rollout is the function's newest rollout; false where there was none, or none that can
// be read.
func (s State) Rollout() (Rollout, bool) {
	var r Rollout
	text, has := s.Annotations[StatusAnnotation]
	if !has || json.Unmarshal([]byte(text), &r) != nil {
		return Rollout{}, false
	}
	plan, err := r.Plan.WithDefaults()
	if err != nil || r.Stable == "" || r.Canary == "" || r.Step < 0 || r.Step >= len(plan.Steps) {
		return Rollout{}, false
	}
	r.Plan = plan
	return r, true
}
