// Package routing knows which Revision answers for a function's name.
//
// It receives routes from the platform when a Revision is able to serve, and
// names from requests; it hands on the Revision, of several that share a function's
// requests each as often as its weight says, and for NAME@TAG the one that has the tag.
// It refuses names and tags it does not know with functions.NotFound.
package routing

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed45885407/saccade/functions"
)

// Table maps function names to Revisions. The zero Table is empty and ready to
// use from any goroutine.
type Table struct {
	mu     sync.RWMutex
	routes map[string]*route
}

// Target is a Revision with its share of a function's requests.
type Target struct {
	Revision functions.Revision
	// Weight is relative to the other targets', percent for example.
	Weight float64
}

// route is where a function's requests go.
type route struct {
	targets []target // none of them without a share
	tags    map[string]functions.Revision
	turns   atomic.Uint64
}

// target gets the requests from the target before it up to upTo, of 0 to 1.
type target struct {
	revision functions.Revision
	upTo     float64
}

// Set makes revision the one that answers for its function.
func (t *Table) Set(revision functions.Revision) {
	t.Share(revision.Function.Metadata.Name, []Target{{revision, 1}}, nil)
}

// Split makes two revisions answer for their function, as a weighted alias does: next
// gets percent of a hundred requests, 0 to 100, and main the others.
func (t *Table) Split(main, next functions.Revision, percent float64) {
	t.Share(main.Function.Metadata.Name, []Target{{next, percent}, {main, 100 - percent}}, nil)
}

// Share makes targets answer for the function called name, each as its weight is to
// the sum of all, and for name@tag the revision that has the tag. Where no target has a
// weight, only the tags answer.
func (t *Table) Share(name string, targets []Target, tags map[string]functions.Revision) {
	r := &route{tags: maps.Clone(tags)}
	var sum, sofar float64
	for _, s := range targets {
		sum += max(0, s.Weight)
	}
	for _, s := range targets {
		if s.Weight > 0 {
			sofar += s.Weight
			r.targets = append(r.targets, target{s.Revision, sofar / sum})
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[string]*route{}
	}
	t.routes[name] = r
}

// Remove makes the function unknown.
func (t *Table) Remove(function string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.routes, function)
}

// Route is the Revision that answers this request for function, which is a name or
// NAME@TAG.
func (t *Table) Route(function string) (functions.Revision, error) {
	name, tag, tagged := strings.Cut(function, "@")
	t.mu.RLock()
	defer t.mu.RUnlock()
	r, ok := t.routes[name]
	switch {
	case !ok && len(t.routes) == 0:
		return functions.Revision{}, functions.Errorf(functions.NotFound, "no function is deployed here")
	case !ok:
		return functions.Revision{}, functions.Errorf(functions.NotFound, "no function is named %.64q; there are %s",
			name, among(t.routes))
	case tagged:
		return r.tagged(name, tag)
	case len(r.targets) == 0:
		return functions.Revision{}, functions.Errorf(functions.Unavailable, "no revision of %s gets requests", name)
	}
	return r.next(), nil
}

// tagged is the revision with the tag.
func (r *route) tagged(name, tag string) (functions.Revision, error) {
	if revision, ok := r.tags[tag]; ok {
		return revision, nil
	}
	if len(r.tags) == 0 {
		return functions.Revision{}, functions.Errorf(functions.NotFound, "the function %s has no tags", name)
	}
	return functions.Revision{}, functions.Errorf(functions.NotFound, "the function %s has no tag %.64q; there are %s",
		name, tag, among(r.tags))
}

func among[V any](named map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}

// next is the revision for one more request. The multiples of the golden ratio fall
// evenly into 0 to 1, after any number of turns (Weyl's sequence): so few requests are
// shared out as truly as many, without chance.
func (r *route) next() functions.Revision {
	last := len(r.targets) - 1
	if last == 0 {
		return r.targets[0].revision
	}
	_, at := math.Modf(float64(r.turns.Add(1)%(1<<32)) * (math.Phi - 1))
	for _, s := range r.targets[:last] {
		if at < s.upTo {
			return s.revision
		}
	}
	return r.targets[last].revision // whatever rounding says
}
