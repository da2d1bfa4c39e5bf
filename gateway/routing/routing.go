// Package routing knows which Revision answers for a function's name.
//
// It receives routes from the platform when a Revision is able to serve, and
// names from requests; it hands on the Revision, of two that share a function's
// requests each as often as its weight says. It refuses names it does not know with
// functions.NotFound.
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

// route is where a function's requests go.
type route struct {
	main  functions.Revision
	other functions.Revision // gets share of the requests, 0 to 1
	share float64
	turns atomic.Uint64
}

// Set makes revision the one that answers for its function.
func (t *Table) Set(revision functions.Revision) { t.set(&route{main: revision}) }

// Split makes two revisions answer for their function, as a weighted alias does: next
// gets percent of a hundred requests, 0 to 100, and main the others.
func (t *Table) Split(main, next functions.Revision, percent float64) {
	t.set(&route{main: main, other: next, share: percent / 100})
}

func (t *Table) set(r *route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[string]*route{}
	}
	t.routes[r.main.Function.Metadata.Name] = r
}

// Remove makes the function unknown.
func (t *Table) Remove(function string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.routes, function)
}

// Route is the Revision that answers this request for function.
func (t *Table) Route(function string) (functions.Revision, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r, ok := t.routes[function]
	if !ok {
		known := slices.Sorted(maps.Keys(t.routes))
		if len(known) == 0 {
			return functions.Revision{}, functions.Errorf(functions.NotFound, "no function is deployed here")
		}
		return functions.Revision{}, functions.Errorf(functions.NotFound, "no function is named %.64q; there are %s",
			function, strings.Join(known, ", "))
	}
	return r.next(), nil
}

// next is the revision for one more request. The multiples of the golden ratio fall
// evenly into 0 to 1, after any number of turns (Weyl's sequence): so few requests are
// shared out as truly as many, without chance.
func (r *route) next() functions.Revision {
	if r.share == 0 {
		return r.main
	}
	if _, at := math.Modf(float64(r.turns.Add(1)%(1<<32)) * (math.Phi - 1)); at < r.share {
		return r.other
	}
	return r.main
}
