package traffic

import (
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// SwapPhase is how far a swap has come.
type SwapPhase string

const (
	Holding   SwapPhase = "holding"  // gateways begin to hold requests
	Emptying  SwapPhase = "emptying" // the old revision's pods finish and go
	Starting  SwapPhase = "starting" // the new revision takes the card
	Moving    SwapPhase = "moving"   // the new revision gets the requests
	SwapDone  SwapPhase = "done"     // requests flow again
	Leaving   SwapPhase = "leaving"  // it did not come up: its pods go
	SwappedIn SwapPhase = "back"     // the old revision has card and requests again
)

// How long a phase may last.
const (
	// maxEmptying is longer than requests and Knative's way to zero take: the window, the
	// grace period, and a pod's own end.
	maxEmptying = 5 * time.Minute
	// maxStarting bounds a start that neither succeeds nor fails: a card that is not given
	// free, a model of many gigabytes. Callers wait meanwhile, each no longer than its own
	// deadline.
	maxStarting = 10 * time.Minute
	// maxMoving is how long the new split may take to hold.
	maxMoving = time.Minute
)

const (
	// drainLease is how long gateways hold requests for an annotation that is not renewed.
	drainLease = functions.DrainLease
	// renewEvery leaves time for some tries that fail.
	renewEvery = drainLease / 6
)

// Swap is a change from one revision to another of which one alone fits on the card:
// requests wait in the gateways, the old revision goes, the new one comes. Where it does
// not, the other way round.
type Swap struct {
	Phase SwapPhase `json:"phase"`
	// Renewed is the revision that was made once more, for it had been given up before the
	// card was free. Empty: none was.
	Renewed string `json:"renewed,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// SwapSeen is what a swap goes on by.
type SwapSeen struct {
	// Old and New are the two revisions; New is empty while there is none.
	Old, New Revision
	// Moved says that the split that holds gives the new one everything.
	Moved bool
	// Held is how long the phase has lasted.
	Held time.Duration
}

// Act is what a phase begins with, done again when a swap goes on after an interruption.
type Act string

const (
	ActHold    Act = "hold"    // gateways hold requests; all of them are for the old revision
	ActRest    Act = "rest"    // the old revision may go to zero
	ActRenew   Act = "renew"   // the new revision is made once more
	ActMove    Act = "move"    // the new revision gets the requests, which are still held
	ActFlow    Act = "flow"    // requests flow again
	ActEvict   Act = "evict"   // the new revision is to go
	ActRestore Act = "restore" // the old revision may come back, and requests flow again
	ActNone    Act = ""
)

// Begin is what the phase begins with.
func (s Swap) Begin() Act {
	return map[SwapPhase]Act{
		Holding: ActHold, Emptying: ActRest, Moving: ActMove, SwapDone: ActFlow, Leaving: ActEvict, SwappedIn: ActRestore,
	}[s.Phase]
}

// Over says that there is nothing more to come.
func (s Swap) Over() bool { return s.Phase == SwapDone || s.Phase == SwappedIn }

// Next is the swap's next phase, or the same while there is something to wait for; and
// what is to be done in between.
func (s Swap) Next(seen SwapSeen) (Swap, Act) {
	to := func(phase SwapPhase, reason string) (Swap, Act) {
		s.Phase, s.Reason = phase, reason
		return s, s.Begin()
	}
	switch s.Phase {
	case Holding:
		return to(Emptying, "")
	case Emptying:
		switch {
		case seen.New.Ready: // there was another card after all
			return to(Moving, "")
		case seen.Old.Pods == 0:
			return to(Starting, "")
		case seen.Held > maxEmptying:
			return to(SwappedIn, fmt.Sprintf("the pods of %s do not go", seen.Old.Name))
		}
	case Starting:
		stuck := seen.New.Failed && seen.New.Unschedulable == ""
		switch {
		case seen.New.Ready:
			return to(Moving, "")
		case stuck && seen.New.Pods == 0 && s.Renewed == "" && seen.Held < justNow:
			// It had failed for want of the card, which is free now, and Knative has let go of it.
			// One with a pod has the card, and a second one would wait for that.
			s.Renewed = seen.New.Name
			return s, ActRenew
		case stuck && seen.Held >= justNow:
			return to(Leaving, fmt.Sprintf("%s does not come up%s", seen.New.Name, because(seen.New.Reason)))
		case seen.Held > maxStarting:
			return to(Leaving, fmt.Sprintf("%s was not ready after %v%s", seen.New.Name, maxStarting, because(seen.New.Reason)))
		}
	case Moving: // a request that flows too soon would wake the old revision
		if seen.Moved || seen.Held > maxMoving {
			return to(SwapDone, "")
		}
	case Leaving:
		if seen.New.Pods == 0 || seen.Held > maxEmptying {
			return to(SwappedIn, s.Reason)
		}
	}
	return s, ActNone
}

// justNow is how long after the card has become free a failure is still that of before.
const justNow = 10 * time.Second
