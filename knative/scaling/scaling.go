// Package scaling decides how many instances of one Revision are wanted.
//
// A [Policy] is told what happens, each time with the time at which it happens:
// requests come and go, instances start, become ready and end. It hands on a
// [Decision]: a number of instances and the reason, in a sentence. The time is
// whatever the caller says it is, so the same policy runs a live platform and a
// simulation of a day in a second. A policy starts no goroutine, reads no clock and
// draws no random number: told the same, it answers the same.
//
// Three policies are here: [KPA], Knative's own autoscaler, [StartupAware], which
// knows how long a start takes, and [Lambda], an instance for each request at a time.
// All keep to the function's own bounds; a bound of the machine or the cluster is the
// caller's. What Lambda's way costs is [LambdaBill]. The room refuses nothing and owns
// no instance.
package scaling

import (
	"fmt"
	"math"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Tick is how often a platform asks: Knative's pace.
const Tick = 2 * time.Second

// Forever is a Decision's Rest where only an event can change the answer.
const Forever = time.Duration(math.MaxInt64)

// Policy decides for one Revision. Its methods are not for concurrent use, and time
// never goes back between calls.
type Policy interface {
	// Tell is called for every event, as it happens. Where it says urgent, Decide is
	// called at once, as after a request arrived at zero.
	Tell(Event) (urgent bool)
	// Decide is called every Tick while the last answer's Rest is over or something
	// was told since.
	Decide(now time.Time) Decision
}

// Binder is a Policy whose requests share no queue: each is bound, at its arrival, to
// an idle instance or to one that starts for it, and stays with that one even where
// another becomes free before.
type Binder interface{ Binds() bool }

// New is the policy that the settings name; there is no HPA here, and KPA takes its
// place. They are complete: functions.WithDefaults has been applied.
func New(s functions.Scaling, now time.Time) Policy {
	if s.IsLambda() {
		return NewLambda(s, now)
	}
	if s.Autoscaler == functions.AutoscalerStartupAware {
		return NewStartupAware(s, now)
	}
	return NewKPA(s.WithoutHPA(), now)
}

// Event is one thing that happened to a Revision.
type Event struct {
	What What
	At   time.Time
	// Instance is the instance's number, for all of What but Arrived and Left.
	Instance int
	// Took is, with Ready, how long the start took; with Left, how long the request
	// was in its instance, waiting not counted, 0 where it never came so far.
	Took time.Duration
}

// What happened.
type What uint8

const (
	Arrived  What = iota // a request came, and may have to wait
	Left                 // a request is over, answered or not
	Starting             // an instance was begun
	Ready                // an instance is ready
	Ended                // an instance is leaving, or its start failed: it counts no more
)

// Decision is a policy's answer.
type Decision struct {
	// Instances is how many are wanted, ready and loading ones together.
	Instances int
	Reason    Reason
	// Rest is how long the answer stays as it is while nothing is told. 0: ask at
	// the next Tick.
	Rest time.Duration
}

// Reason says why, for people. It is made into words only when it is read: most
// decisions are never looked at.
type Reason struct {
	form   string // of fmt, all verbs for float64
	values [5]float64
	used   int
}

func because(form string, values ...float64) Reason {
	r := Reason{form: form}
	r.used = copy(r.values[:], values)
	return r
}

// String is one sentence.
func (r Reason) String() string {
	values := make([]any, r.used)
	for i := range values {
		values[i] = r.values[i]
	}
	return fmt.Sprintf(r.form, values...)
}

// bound keeps wanted to the function's own bounds.
func bound(wanted int, s functions.Scaling) int {
	if s.MaxScale > 0 {
		wanted = min(wanted, s.MaxScale)
	}
	return max(wanted, s.MinScale)
}
