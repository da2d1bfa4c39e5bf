package oip

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/oip/inference"
	"github.com/seed45885407/saccade/runtime/serve"
)

// shelf is a repository of models that load, but for one called broken.
type shelf struct {
	t            testing.TB
	opened, free atomic.Int32
}

func (s *shelf) Names() ([]string, error) { return []string{"broken", "cats", "dogs", "pets"}, nil }

func (s *shelf) Open(_ context.Context, name string) (Model, func() error, error) {
	if name == "broken" {
		return Model{}, nil, functions.Errorf(functions.Unavailable, "the model is damaged").Because(errors.New("private"))
	}
	s.opened.Add(1)
	return newModel(s.t, name, finder{}, serve.Options{}), func() error { s.free.Add(1); return nil }, nil
}

func TestTheRepositoryOverHTTP(t *testing.T) {
	s := &shelf{t: t}
	d := newDoor(t, Options{Repository: s})
	states := func(body string) (list string) {
		r := ask(t, d, "POST", "/v2/repository/index", body)
		return strings.TrimSpace(string(r.body))
	}
	const own = `{"name":"pets","version":"1","state":"READY","reason":""}`
	const none = `"version":"1","state":"UNAVAILABLE","reason":"not loaded"}`
	if want := "[" + own + `,{"name":"broken",` + none + `,{"name":"cats",` + none + `,{"name":"dogs",` + none + "]"; states("") != want {
		t.Errorf("at first\n%s\nwant\n%s", states(""), want)
	}
	for _, step := range []struct {
		name, path, body string
		status           int
		says             string
	}{
		{"a model that is not loaded", "/v2/models/cats/infer", "{}", 404, "not loaded"},
		{"a model that loads", "/v2/repository/models/cats/load", "", 200, ""},
		{"a model that is loaded", "/v2/models/cats/infer", `{"inputs":[]}`, 400, "no inputs"},
		{"its network", "/v2/models/cats.raw/infer", `{"inputs":[]}`, 400, "no inputs"},
		{"a model that does not load", "/v2/repository/models/broken/load", "{}", 503, "the model is damaged"},
		{"a model that is not there", "/v2/repository/models/fish/load", "", 404, "repository has no model"},
		{"a model in another folder", "/v2/repository/models/..%2Fpets/load", "", 400, "no name of a model"},
		{"a network", "/v2/repository/models/cats.raw/load", "", 400, "no name of a model"},
		{"a model with a config of the caller's", "/v2/repository/models/cats/load", `{"parameters":{"config":"{}"}}`, 400, "as it lies in the repository"},
		{"our own model, which is there", "/v2/repository/models/pets/load", "", 200, ""},
		{"our own model, which stays", "/v2/repository/models/pets/unload", "", 409, "never unloaded"},
		{"a model that is not loaded, to be unloaded", "/v2/repository/models/dogs/unload", "", 404, "not loaded"},
	} {
		t.Run(step.name, func(t *testing.T) {
			r := ask(t, d, "POST", step.path, step.body)
			if r.status != step.status || !strings.Contains(string(r.body), step.says) || strings.Contains(string(r.body), "private") {
				t.Errorf("%d %s; want %d %q", r.status, r.body, step.status, step.says)
			}
		})
	}
	if want := "[" + own + `,{"name":"cats","version":"1","state":"READY","reason":""}]`; states(`{"ready":true}`) != want {
		t.Errorf("ready\n%s\nwant\n%s", states(`{"ready":true}`), want)
	}
	if got := states(""); !strings.Contains(got, `"UNAVAILABLE","reason":"the model is damaged"`) {
		t.Errorf("the index does not say why: %s", got)
	}
	for path, freed := range map[string]int32{"cats/unload": 1} {
		if r := ask(t, d, "POST", "/v2/repository/models/"+path, `{"parameters":{"unload_dependents":false}}`); r.status != 200 || s.free.Load() != freed {
			t.Errorf("%s: %d %s, %d freed", path, r.status, r.body, s.free.Load())
		}
	}
	if r := ask(t, d, "GET", "/v2/models/cats", ""); r.status != 404 {
		t.Errorf("it is there after it was unloaded: %d", r.status)
	}
}

func TestTheRepositoryOverGRPC(t *testing.T) {
	s := &shelf{t: t}
	_, address := opened(t, newDoor(t, Options{Repository: s}))
	c, ctx := client(t, address), t.Context()
	ready := func() (names []string) {
		r, err := c.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{Ready: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range r.GetModels() {
			names = append(names, m.GetName())
		}
		return names
	}
	if _, err := c.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "dogs"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RepositoryModelLoad(ctx, &inference.RepositoryModelLoadRequest{ModelName: "dogs"}); err != nil || s.opened.Load() != 2 || s.free.Load() != 1 {
		t.Errorf("loaded anew: %v, %d opened, %d freed", err, s.opened.Load(), s.free.Load())
	}
	if got := ready(); !slices.Equal(got, []string{"pets", "dogs"}) {
		t.Errorf("ready: %v", got)
	}
	if _, err := c.RepositoryModelUnload(ctx, &inference.RepositoryModelUnloadRequest{ModelName: "dogs"}); err != nil || s.free.Load() != 2 {
		t.Errorf("unloaded: %v, %d freed", err, s.free.Load())
	}
	if got := ready(); !slices.Equal(got, []string{"pets"}) {
		t.Errorf("ready: %v", got)
	}
	if _, err := c.RepositoryIndex(ctx, &inference.RepositoryIndexRequest{RepositoryName: "other"}); err == nil {
		t.Error("there is another repository")
	}
}

func TestUnloadingWaitsForThoseWhoUseTheModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{t: t}
		table := newTable(newModel(t, "pets", finder{}, serve.Options{}), s)
		if err := table.load(t.Context(), "cats"); err != nil {
			t.Fatal(err)
		}
		_, release, err := table.take("cats", "")
		if err != nil {
			t.Fatal(err)
		}
		unloaded := make(chan error, 1)
		go func() { unloaded <- table.unload(t.Context(), "cats") }()
		synctest.Wait()
		if _, _, err := table.take("cats", ""); functions.KindOf(err) != functions.NotFound {
			t.Errorf("it takes requests while it goes: %v", err)
		}
		if s.free.Load() != 0 {
			t.Error("it was freed under its user")
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := table.load(cancelled, "dogs"); !errors.Is(err, context.Canceled) {
			t.Errorf("changes go side by side: %v", err)
		}
		release()
		if err := <-unloaded; err != nil || s.free.Load() != 1 {
			t.Errorf("%v, %d freed", err, s.free.Load())
		}
	})
}

func TestClosingUnloadsAll(t *testing.T) {
	s := &shelf{t: t}
	table := newTable(newModel(t, "pets", finder{}, serve.Options{}), s)
	for _, name := range []string{"cats", "dogs"} {
		if err := table.load(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.close(); err != nil || s.free.Load() != 2 {
		t.Errorf("%v, %d freed", err, s.free.Load())
	}
	if err := table.load(t.Context(), "cats"); functions.KindOf(err) != functions.Unavailable {
		t.Errorf("it loads after the end: %v", err)
	}
}

func TestNamesOfModels(t *testing.T) {
	for name, want := range map[string]bool{
		"yolo11n": true, "a": true, "Yolo_v8.1-s": true, "": false, ".": false, "..": false, "a/b": false, "-a": false,
		"a.raw": false, "a.raw.b": true, strings.Repeat("a", 129): false,
	} {
		if got := ValidName(name); !cmp.Equal(got, want) {
			t.Errorf("%q: %v", name, got)
		}
	}
}
