package traffic

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Wish is a change of the split as it is asked for by name; see [State.Find].
type Wish struct {
	// Shares are percentages by name, nil to leave the split as it is.
	Shares []Share
	// Tags are revisions by tag, Untag the tags to take away.
	Tags  []Tag
	Untag []string
}

// Share is NAME=PERCENT.
type Share struct {
	Name    string
	Percent int
}

// Tag is TAG=REVISION.
type Tag struct{ Name, Of string }

// ParseShare reads NAME=PERCENT.
func ParseShare(text string) (Share, error) {
	name, number, ok := strings.Cut(text, "=")
	percent, err := strconv.Atoi(strings.TrimSuffix(number, "%"))
	if !ok || name == "" || err != nil || percent < 0 || percent > 100 {
		return Share{}, functions.Errorf(functions.Invalid, "%.64q is no share: write NAME=PERCENT, for example stable=90, in whole percent", text)
	}
	return Share{name, percent}, nil
}

// tagForm is what Knative takes as a tag (a DNS label of RFC 1035), short enough to stand
// before a function's name in one more.
var tagForm = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`)

// ParseTag reads TAG=REVISION.
func ParseTag(text string) (Tag, error) {
	name, of, ok := strings.Cut(text, "=")
	switch {
	case !ok || of == "":
		return Tag{}, functions.Errorf(functions.Invalid, "%.64q is no tag: write TAG=REVISION", text)
	case slices.Contains(words, name):
		return Tag{}, functions.Errorf(functions.Invalid, "%s is a word of its own and no tag; choose another", name)
	case !tagForm.MatchString(name):
		return Tag{}, functions.Errorf(functions.Invalid,
			"%.64q is no tag: small letters, digits and - are, at most 40, the first a letter", name)
	}
	return Tag{name, of}, nil
}

// Split is what the function's targets become by a wish. Tags stay unless they are taken
// away or given to another revision.
func Split(s State, wish Wish) ([]Target, error) {
	shares, err := shared(s, wish.Shares)
	if err != nil {
		return nil, err
	}
	tags, err := tagged(s, wish)
	if err != nil {
		return nil, err
	}
	targets := slices.Concat(shares, tags)
	return targets, Check(targets)
}

// shared are the targets that get requests.
func shared(s State, shares []Share) ([]Target, error) {
	var targets []Target
	if shares == nil {
		for _, t := range s.current() {
			if t.Percent > 0 {
				targets = add(targets, Target{Revision: t.Revision, Latest: t.Latest, Percent: t.Percent})
			}
		}
		return targets, nil
	}
	for _, share := range shares {
		t, err := s.Find(share.Name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(targets, func(other Target) bool { return other.Revision == t.Revision && other.Latest == t.Latest }) {
			return nil, functions.Errorf(functions.Invalid, "%s stands for %s, which has a share already", share.Name, cmp.Or(t.Revision, Latest))
		}
		if r, _ := s.Revision(t.Revision); !t.Latest && share.Percent > 0 && !r.Ready {
			return nil, functions.Errorf(functions.Conflict, "%s is not ready and can get no requests%s", t.Revision, because(r.Reason))
		}
		t.Percent = share.Percent
		targets = append(targets, t)
	}
	return slices.DeleteFunc(targets, func(t Target) bool { return t.Percent == 0 }), nil
}

// add adds a share to the others, those of one revision together.
func add(targets []Target, t Target) []Target {
	for i := range targets {
		if targets[i].Revision == t.Revision && targets[i].Latest == t.Latest {
			targets[i].Percent += t.Percent
			return targets
		}
	}
	return append(targets, t)
}

// tagged are the targets that have an address of their own.
func tagged(s State, wish Wish) ([]Target, error) {
	var tags []Target
	for _, t := range s.current() {
		if t.Tag != "" {
			tags = append(tags, Target{Revision: t.Revision, Latest: t.Latest, Tag: t.Tag})
		}
	}
	for _, name := range wish.Untag {
		before := len(tags)
		tags = slices.DeleteFunc(tags, func(t Target) bool { return t.Tag == name })
		if len(tags) == before {
			return nil, functions.Errorf(functions.NotFound, "%s has no tag %.64q", s.Function, name)
		}
	}
	for _, tag := range wish.Tags {
		t, err := s.Find(tag.Of)
		if err != nil {
			return nil, err
		}
		t.Tag = tag.Name
		tags = append(slices.DeleteFunc(tags, func(t Target) bool { return t.Tag == tag.Name }), t)
	}
	return tags, nil
}

// current is the split that was asked for; Knative's own, all to the newest, where none
// was.
func (s State) current() []Target {
	if len(s.Wanted) == 0 {
		return []Target{{Latest: true, Percent: 100}}
	}
	return s.Wanted
}

// between is the split of a rollout: percent to the canary, the others to the stable
// revision, tags as they are.
func between(s State, stable, canary string, percent int) []Target {
	var targets []Target
	if percent < 100 {
		targets = append(targets, Target{Revision: stable, Percent: 100 - percent})
	}
	if percent > 0 {
		targets = append(targets, Target{Revision: canary, Percent: percent})
	}
	tags, _ := tagged(s, Wish{}) // nothing is wished for that could be wrong
	return slices.Concat(targets, tags)
}

// sameSplit says that two lists of targets share requests out alike.
func sameSplit(a, b []Target) bool {
	sum := func(targets []Target) map[string]int {
		m := map[string]int{}
		for _, t := range targets {
			if t.Percent > 0 {
				m[fmt.Sprint(t.Latest, t.Revision)] += t.Percent
			}
		}
		return m
	}
	x, y := sum(a), sum(b)
	for name, percent := range y {
		if x[name] != percent {
			return false
		}
	}
	return len(x) == len(y)
}

// because adds a reason to a sentence that has no end yet.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(reason, ".")
}
