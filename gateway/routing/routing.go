// Package routing knows which Revision answers for a function's name.
//
// It receives routes from the platform when a Revision is able to serve, and
// names from requests; it hands on the Revision. It refuses names it does not
// know with functions.NotFound.
package routing

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed45885407/saccade/functions"
)

// Table maps function names to Revisions. The zero Table is empty and ready to
// use from any goroutine.
type Table struct {
	mu     sync.RWMutex
	routes map[string]functions.Revision
}

// Set makes revision the one that answers for its function.
func (t *Table) Set(revision functions.Revision) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.routes == nil {
		t.routes = map[string]functions.Revision{}
	}
	t.routes[revision.Function.Metadata.Name] = revision
}

// Remove makes the function unknown.
func (t *Table) Remove(function string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.routes, function)
}

// Route is the Revision that answers for function.
func (t *Table) Route(function string) (functions.Revision, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	revision, ok := t.routes[function]
	if !ok {
		known := slices.Sorted(maps.Keys(t.routes))
		if len(known) == 0 {
			return revision, functions.Errorf(functions.NotFound, "no function is deployed here")
		}
		return revision, functions.Errorf(functions.NotFound, "no function is named %.64q; there are %s",
			function, strings.Join(known, ", "))
	}
	return revision, nil
}
