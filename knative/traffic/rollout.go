package traffic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Plan is how a rollout goes. Zero means the default.
type Plan struct {
	// Steps are the canary's percentages, ascending, the last 100. Default 5, 25, 50, 100.
	Steps []int `json:"steps"`
	// Every is how long a step is looked at, the last one too. Default 60s.
	Every functions.Duration `json:"every"`
	// Guards are what the canary has to keep. Without any it only has to stay up.
	Guards []Guard `json:"guards,omitempty"`
	// Samples are the fewest requests to judge by. Default 20.
	Samples uint64 `json:"samples"`
	// Patience is how long a step may last that has too few. Default 5 times Every.
	Patience functions.Duration `json:"patience"`
	// Idle is what happens then: go, the next step; or stop, back to the stable revision
	// (default).
	Idle string `json:"idle"`
}

// What a plan does for want of requests.
const (
	IdleGo   = "go"
	IdleStop = "stop"
)

// WithDefaults is the plan with every field set, or why it is none.
func (p Plan) WithDefaults() (Plan, error) {
	if len(p.Steps) == 0 {
		p.Steps = []int{5, 25, 50, 100}
	}
	p.Every = cmp.Or(p.Every, functions.Duration(time.Minute))
	p.Samples = cmp.Or(p.Samples, 20)
	p.Patience = cmp.Or(p.Patience, 5*p.Every)
	p.Idle = cmp.Or(p.Idle, IdleStop)
	last := 0
	for _, step := range p.Steps {
		if step <= last || step > 100 {
			return p, functions.Errorf(functions.Invalid, "the steps %v do not ascend from 1 to 100 percent", p.Steps)
		}
		last = step
	}
	switch {
	case last != 100:
		return p, functions.Errorf(functions.Invalid, "the last step is %d percent; it has to be 100", last)
	case p.Every < functions.Duration(time.Second):
		return p, functions.Errorf(functions.Invalid, "a step is looked at for at least a second")
	case p.Patience < p.Every:
		return p, functions.Errorf(functions.Invalid, "the patience with a step is at least as long as the step")
	case p.Idle != IdleGo && p.Idle != IdleStop:
		return p, functions.Errorf(functions.Invalid, "without requests a rollout can go or stop, not %.64q", p.Idle)
	}
	return p, nil
}

// Phase is how far a rollout has come.
type Phase string

const (
	Running Phase = "running"
	Done    Phase = "done"
	Back    Phase = "back"    // it has gone back by itself
	Aborted Phase = "aborted" // somebody ended it
)

// Rollout is one rollout's state, all of it: what [StatusAnnotation] has.
type Rollout struct {
	Plan   Plan   `json:"plan"`
	Stable string `json:"stable"`
	Canary string `json:"canary"`
	// Step is the place in Plan.Steps that holds.
	Step   int    `json:"step"`
	Phase  Phase  `json:"phase"`
	Reason string `json:"reason,omitempty"`
	// Changed is when any of this changed last.
	Changed time.Time `json:"changed"`
	// Swap is there where the two revisions cannot run beside each other.
	Swap *Swap `json:"swap,omitempty"`
}

// Percent is the canary's share.
func (r Rollout) Percent() int {
	switch {
	case r.Phase == Done, r.Phase == Running && r.Swap != nil && r.Swap.Phase == Moving:
		return 100
	case r.Phase != Running, r.Swap != nil:
		return 0
	}
	return r.Plan.Steps[r.Step]
}

// Targets are the split of a function by the rollout.
func (r Rollout) Targets(s State) []Target { return between(s, r.Stable, r.Canary, r.Percent()) }

// Seen is what a rollout is judged by.
type Seen struct {
	State State
	// Held is how long the step has been held, Deaf how long no gateway has answered, 0
	// where one just has.
	Held, Deaf time.Duration
	// Stable and Canary are what was counted since the step began.
	Stable, Canary Counts
}

// Move is what a rollout does next.
type Move string

const (
	Wait    Move = "wait"
	Forward Move = "forward" // the next step
	Finish  Move = "finish"  // it was the last step
	Return  Move = "return"  // all requests to the stable revision
	Leave   Move = "leave"   // nothing is touched any more: somebody else did
)

// Verdict is a move with its reason, a sentence without an end.
type Verdict struct {
	Move   Move
	Reason string
}

// Next judges the step that holds.
func (r Rollout) Next(seen Seen) Verdict {
	s, plan := seen.State, r.Plan
	canary, there := s.Revision(r.Canary)
	switch {
	case !sameSplit(s.current(), r.Targets(s)):
		return Verdict{Leave, "somebody else has changed the split"}
	case s.LatestCreated != r.Canary:
		return Verdict{Return, fmt.Sprintf("%s was deployed in the middle of the rollout of %s", cmp.Or(s.LatestCreated, "another revision"), r.Canary)}
	case !there:
		return Verdict{Return, r.Canary + " is gone"}
	case canary.Failed && !canary.Ready:
		return Verdict{Return, r.Canary + " does not come up" + because(canary.Reason)}
	}
	for _, g := range plan.Guards {
		if broken := g.broken(seen.Canary, seen.Stable, plan.Samples); broken != "" {
			return Verdict{Return, broken}
		}
	}
	held, n := seen.Held.Round(time.Second), seen.Canary.All()
	switch {
	case seen.Deaf >= time.Duration(plan.Patience):
		return Verdict{Return, fmt.Sprintf("no gateway has told how the canary does for %v", seen.Deaf.Round(time.Second))}
	case held < time.Duration(plan.Every):
		return Verdict{Wait, fmt.Sprintf("%v of %v", held, time.Duration(plan.Every))}
	case seen.Deaf > 0:
		return Verdict{Wait, "no gateway tells how the canary does"}
	case n < plan.Samples && held < time.Duration(plan.Patience):
		return Verdict{Wait, fmt.Sprintf("%d of the %d requests that are needed to judge", n, plan.Samples)}
	case n < plan.Samples && plan.Idle == IdleStop:
		return Verdict{Return, fmt.Sprintf("the canary got %d requests in %v, too few to judge", n, held)}
	}
	why := fmt.Sprintf("%d requests, every guard kept", n)
	if n < plan.Samples {
		why = fmt.Sprintf("%d requests, too few to judge", n)
	}
	if r.Step == len(plan.Steps)-1 {
		return Verdict{Finish, why}
	}
	return Verdict{Forward, why}
}

// After is the rollout once the verdict is carried out.
func (r Rollout) After(v Verdict, now time.Time) Rollout {
	switch v.Move {
	case Wait:
		return r
	case Forward:
		r.Step++
	case Finish:
		r.Phase = Done
	case Return:
		r.Phase = Back
	case Leave:
		r.Phase = Aborted
	}
	r.Reason, r.Changed = v.Reason, now.UTC().Truncate(time.Second)
	return r
}

// describe says how canary and stable do by the guards, for people.
func (r Rollout) describe(seen Seen) string {
	parts := []string{fmt.Sprintf("%d requests", seen.Canary.All())}
	told := map[string]bool{}
	for _, g := range append(slices.Clone(r.Plan.Guards), Guard{Of: "p99"}, Guard{Of: "errors"}) {
		value, n := g.measure(seen.Canary)
		if told[g.Of] || n == 0 {
			continue
		}
		told[g.Of] = true
		part := g.Of + " " + g.show(value)
		if was, n := g.measure(seen.Stable); n > 0 {
			part += " (stable " + g.show(was) + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
