package oip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed45885407/saccade/functions"
)

// Repository is where models come from that are loaded when somebody asks for them.
type Repository interface {
	// Names are the models that are there now, sorted.
	Names() ([]string, error)
	// Open loads one of them and waits until it is ready. free gives back what that
	// took; it is called when nobody uses the model any more.
	Open(ctx context.Context, name string) (m Model, free func() error, err error)
}

// table is the models by name: our own, and those of the repository that are loaded.
type table struct {
	own        Model
	repository Repository // nil: none
	changing   chan struct{}

	mu      sync.Mutex
	loaded  map[string]*loaded
	loading string            // the name that is being loaded now
	reasons map[string]string // why a name was not loaded when it was last tried
	closed  bool
}

// loaded is a model of the repository with those who use it.
type loaded struct {
	Model
	free  func() error
	users sync.WaitGroup
}

func newTable(own Model, repository Repository) *table {
	return &table{
		own: own, repository: repository, changing: make(chan struct{}, 1),
		loaded: map[string]*loaded{}, reasons: map[string]string{},
	}
}

// take is the model, or the network, that is called name. It stays until release.
func (t *table) take(name, version string) (c called, release func(), err error) {
	plain, raw := strings.CutSuffix(name, rawSuffix)
	if err := checkVersion(name, version); err != nil {
		return c, nil, err
	}
	if plain == t.own.Name {
		return called{t.own, raw}, func() {}, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m, there := t.loaded[plain]
	if !there {
		return c, nil, functions.Errorf(functions.NotFound, "there is no model %.128q, or it is not loaded", name)
	}
	m.users.Add(1)
	return called{m.Model, raw}, m.users.Done, nil
}

// entry is a model of the repository's index.
type entry struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
}

// The states of an entry.
const (
	stateReady       = "READY"
	stateLoading     = "LOADING"
	stateUnavailable = "UNAVAILABLE"
)

// index lists what there is, our own model first; with onlyReady what is ready.
func (t *table) index(onlyReady bool) ([]entry, error) {
	if t.repository == nil {
		return nil, errNoRepository()
	}
	names, err := t.repository.Names()
	if err != nil {
		return nil, fmt.Errorf("listing the repository: %w", err)
	}
	own := entry{Name: t.own.Name, Version: version, State: stateReady}
	if err := t.own.Server.Ready(); err != nil {
		own.State, own.Reason = stateUnavailable, said(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// A model that is loaded stays listed where its file has gone.
	names = append(names, slices.Collect(maps.Keys(t.loaded))...)
	slices.Sort(names)
	list := []entry{own}
	for _, name := range slices.Compact(names) {
		e := entry{Name: name, Version: version, State: stateUnavailable, Reason: t.reasons[name]}
		switch {
		case name == t.own.Name:
			continue
		case t.loaded[name] != nil:
			e.State, e.Reason = stateReady, ""
		case t.loading == name:
			e.State, e.Reason = stateLoading, ""
		case e.Reason == "":
			e.Reason = "not loaded"
		}
		list = append(list, e)
	}
	if onlyReady {
		list = slices.DeleteFunc(list, func(e entry) bool { return e.State != stateReady })
	}
	return list, nil
}

// load loads a model; one that is loaded already is loaded anew, and the old one
// answers until then. Changes go one after another.
func (t *table) load(ctx context.Context, name string) error {
	done, err := t.change(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	if name == t.own.Name {
		return t.own.Server.Ready()
	}
	names, err := t.repository.Names()
	if err != nil {
		return fmt.Errorf("listing the repository: %w", err)
	}
	if !slices.Contains(names, name) {
		return functions.Errorf(functions.NotFound, "the repository has no model %.128q", name)
	}
	t.mu.Lock()
	t.loading = name
	t.mu.Unlock()
	model, free, err := t.repository.Open(ctx, name)

	t.mu.Lock()
	t.loading = ""
	old := t.loaded[name]
	if err != nil {
		t.reasons[name] = said(err)
	} else {
		model.Name = name
		t.loaded[name] = &loaded{Model: model, free: free}
		delete(t.reasons, name)
	}
	t.mu.Unlock()
	if err != nil {
		return fmt.Errorf("loading model %q: %w", name, err)
	}
	return old.end()
}

// unload takes a model away, and returns when the requests that it has are through.
func (t *table) unload(ctx context.Context, name string) error {
	done, err := t.change(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	if name == t.own.Name {
		return functions.Errorf(functions.Conflict, "model %q is what this server is for; it is never unloaded", name)
	}
	t.mu.Lock()
	old := t.loaded[name]
	delete(t.loaded, name)
	t.mu.Unlock()
	if old == nil {
		return functions.Errorf(functions.NotFound, "model %.128q is not loaded", name)
	}
	return old.end()
}

// end waits for those who use the model, and frees it. None can come any more.
func (l *loaded) end() error {
	if l == nil {
		return nil
	}
	l.users.Wait()
	if err := l.free(); err != nil {
		return fmt.Errorf("unloading model %q: %w", l.Name, err)
	}
	return nil
}

// change waits until no other change goes on.
func (t *table) change(ctx context.Context, name string) (done func(), err error) {
	if t.repository == nil {
		return nil, errNoRepository()
	}
	if !ValidName(name) {
		return nil, functions.Errorf(functions.Invalid, "%.128q is no name of a model", name)
	}
	select {
	case t.changing <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		<-t.changing
		return nil, errStops
	}
	return func() { <-t.changing }, nil
}

// close unloads all; no change comes after it.
func (t *table) close() error {
	t.changing <- struct{}{}
	defer func() { <-t.changing }()
	t.mu.Lock()
	models := slices.Collect(maps.Values(t.loaded))
	clear(t.loaded)
	t.closed = true
	t.mu.Unlock()
	var errs []error
	for _, m := range models {
		errs = append(errs, m.end())
	}
	return errors.Join(errs...)
}

func errNoRepository() error {
	return functions.Errorf(functions.Invalid, "this server has one model and no repository of them; it was started without --models")
}
