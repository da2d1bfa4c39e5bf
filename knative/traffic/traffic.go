// Package traffic says which revisions of a function on a cluster get its requests, and
// changes that: a split by hand, a rollout in guarded steps that goes forward or back by
// itself, a rollback, and on a single GPU a swap, where the old revision has to leave the
// card before the new one can start.
//
// It receives what the cluster says of a function ([State], from a [Cluster]) and what
// the gateways have counted ([Meter]), and hands on changes of the split and of the
// function's annotations. What is decided is decided by values without a clock or a
// cluster ([Rollout.Next], [Swap.Next]); [Runner] carries it out. It refuses a split that
// does not sum to a hundred, a rollout beside another, and to judge by few requests.
package traffic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Annotations of a function's Knative Service.
const (
	// StatusAnnotation has a rollout's state as JSON ([Rollout]); it is what a rollout
	// that was interrupted goes on from.
	StatusAnnotation = "saccade.dev/rollout-status"
	// StrategyAnnotation says how a new revision takes over: steps or drain-then-swap.
	// Without it: drain-then-swap where the function asks for a GPU, else steps.
	StrategyAnnotation = "saccade.dev/rollout"
	// DrainAnnotation, when "true", makes gateways hold the function's requests in their
	// waiting room, each for as long as it sees RenewedAnnotation change.
	DrainAnnotation = "saccade.dev/drain"
	// RenewedAnnotation is when whoever holds requests last said so, by its own clock: what
	// counts is that it changes. A hold whose owner is gone ends by itself.
	RenewedAnnotation = "saccade.dev/drain-renewed"
	// MirrorAnnotation sends a share of requests to a revision a second time:
	// REVISION=PERCENT.
	MirrorAnnotation = "saccade.dev/mirror"
)

// The strategies.
const (
	StrategySteps = "steps"
	StrategySwap  = "drain-then-swap"
)

// Target is one line of a split.
type Target struct {
	// Revision gets Percent of the requests. Empty with Latest: the newest that is
	// ready, whichever that is at the time.
	Revision string `json:"revision,omitempty"`
	Latest   bool   `json:"latest,omitempty"`
	// Percent is 0 to 100.
	Percent int `json:"percent"`
	// Tag is the revision's own address, NAME@TAG at the gateway. Empty: none.
	Tag string `json:"tag,omitempty"`
	// URL is the tag's address in Knative; set where it was read, never written.
	URL string `json:"url,omitempty"`
}

// Revision is one revision as the cluster sees it.
type Revision struct {
	Name    string
	Created time.Time
	// Ready says that it can serve, from zero too; Failed that it will not become able to
	// by itself. Reason is why it is not ready, a sentence.
	Ready, Failed bool
	Reason        string
	// Pods are those that exist, those that are ending included; ReadyPods of them are
	// ready, and WantedPods are wanted.
	Pods, ReadyPods, WantedPods int
	// Unschedulable is what the scheduler says where a pod of the revision finds no node,
	// for example "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."; else empty.
	Unschedulable string
}

// State is what the cluster says of a function.
type State struct {
	Function  string
	Namespace string
	// Version is what a [Change] is checked against: the Service's resourceVersion.
	Version string
	// URL is the function's address in Knative.
	URL string
	// Wanted is the split that was asked for (spec.traffic), Targets the one that holds
	// (status.traffic), in which every target has its revision.
	Wanted, Targets []Target
	// Revisions are all there are, the newest first.
	Revisions []Revision
	// LatestCreated and LatestReady are names of revisions, empty where there is none.
	LatestCreated, LatestReady string
	// Annotations are the Service's own whose names begin with saccade.dev/.
	Annotations map[string]string
	// GPU says that the function's newest revision asks for one.
	GPU bool
}

// Strategy is how a new revision of the function takes over.
func (s State) Strategy() string {
	if s.GPU {
		return cmp.Or(s.Annotations[StrategyAnnotation], StrategySwap)
	}
	return cmp.Or(s.Annotations[StrategyAnnotation], StrategySteps)
}

// Revision is the one of that name.
func (s State) Revision(name string) (Revision, bool) {
	i := slices.IndexFunc(s.Revisions, func(r Revision) bool { return r.Name == name })
	if i < 0 {
		return Revision{}, false
	}
	return s.Revisions[i], true
}

// Percent is what a revision gets now.
func (s State) Percent(revision string) (percent int) {
	for _, t := range s.Targets {
		if t.Revision == revision {
			percent += t.Percent
		}
	}
	return percent
}

// WantedPercent is what a revision is to get.
func (s State) WantedPercent(revision string) (percent int) {
	for _, t := range s.current() {
		if t.Revision == revision || t.Latest && s.LatestReady == revision {
			percent += t.Percent
		}
	}
	return percent
}

// Stable is the revision that most requests go to, the newer one where two get as many;
// empty where none gets any.
func (s State) Stable() string {
	var stable string
	most := 0
	for _, r := range s.Revisions {
		if percent := s.Percent(r.Name); percent > most {
			stable, most = r.Name, percent
		}
	}
	return stable
}

// Canary is the newest revision that is ready, where that is not the stable one.
func (s State) Canary() string {
	if s.LatestReady == s.Stable() {
		return ""
	}
	return s.LatestReady
}

// The words that stand for revisions.
const (
	Latest = "latest"
	Stable = "stable"
	Canary = "canary"
)

// words are no tags.
var words = []string{Latest, Stable, Canary}

// Find is the target that a name means: one of the words latest, stable and canary, a
// revision, or a tag.
func (s State) Find(name string) (Target, error) {
	switch name {
	case Latest:
		if s.LatestReady == "" {
			return Target{}, functions.Errorf(functions.Conflict, "no revision of %s is ready yet", s.Function)
		}
		return Target{Latest: true}, nil
	case Stable:
		if stable := s.Stable(); stable != "" {
			return Target{Revision: stable}, nil
		}
		return Target{}, functions.Errorf(functions.Conflict, "no revision of %s gets requests yet, so none is the stable one", s.Function)
	case Canary:
		if canary := s.Canary(); canary != "" {
			return Target{Revision: canary}, nil
		}
		return Target{}, functions.Errorf(functions.Conflict,
			"%s has no canary: the newest revision that is ready, %s, gets most requests already", s.Function, cmp.Or(s.LatestReady, "none"))
	}
	if _, is := s.Revision(name); is {
		return Target{Revision: name}, nil
	}
	for _, t := range slices.Concat(s.Targets, s.Wanted) {
		if t.Tag == name && t.Revision != "" {
			return Target{Revision: t.Revision}, nil
		}
	}
	return Target{}, functions.Errorf(functions.NotFound, "%s has no revision and no tag %.64q; its revisions are %s",
		s.Function, name, s.names())
}

func (s State) names() string {
	if len(s.Revisions) == 0 {
		return "none"
	}
	var names []string
	for _, r := range s.Revisions {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// Check refuses a split that Knative would refuse, in our words.
func Check(targets []Target) error {
	sum, tags := 0, map[string]bool{}
	for _, t := range targets {
		if t.Percent < 0 || t.Percent > 100 {
			return functions.Errorf(functions.Invalid, "%d is no percentage: 0 to 100 are", t.Percent)
		}
		if (t.Revision == "") != t.Latest {
			return fmt.Errorf("a target is either a revision or the latest: %+v", t)
		}
		if t.Tag != "" && tags[t.Tag] {
			return functions.Errorf(functions.Invalid, "the tag %s is given twice", t.Tag)
		}
		tags[t.Tag] = true
		sum += t.Percent
	}
	if sum != 100 {
		return functions.Errorf(functions.Invalid, "the percentages sum to %d; they have to sum to 100", sum)
	}
	return nil
}
