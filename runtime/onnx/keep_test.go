package onnx

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func TestAKeptGraphAnswersAsTheModelDoes(t *testing.T) {
	e, cache := open(t), t.TempDir()
	first := prepare(t, cache)
	s := session(t, e, first, centernetOptions)
	want := answer(t, s)
	if s.Optimised() {
		t.Fatal("the first start found a graph in an empty cache")
	}
	if err := e.Keep(first, centernetOptions); err != nil {
		t.Fatal(err)
	}
	s = session(t, e, prepare(t, cache), centernetOptions)
	if !s.Optimised() {
		t.Error("the second start did not use the graph that the first has kept")
	}
	if !slices.Equal(answer(t, s), want) {
		t.Error("the kept graph answers otherwise than the model")
	}
}

func TestAGraphThatCannotBeTrustedIsRebuilt(t *testing.T) {
	tests := map[string]func(t *testing.T, path string, content []byte){
		"a bit of its weights turned": func(t *testing.T, path string, content []byte) {
			content[len(content)/2] ^= 1
			write(t, path, content)
		},
		"cut off": func(t *testing.T, path string, content []byte) {
			write(t, path, content[:len(content)/2])
		},
		"empty": func(t *testing.T, path string, content []byte) {
			write(t, path, nil)
		},
		"made by another version of ONNX Runtime": func(t *testing.T, path string, _ []byte) {
			m := prepare(t, filepath.Dir(path))
			content := slices.Clone(m.graph.Content)
			if err := m.cache.Write(m.key, "1.2.3", func(path string) error {
				return os.WriteFile(path, content, 0o600)
			}); err != nil {
				t.Fatal(err)
			}
		},
		"sealed, and no graph": func(t *testing.T, path string, _ []byte) {
			m := prepare(t, filepath.Dir(path))
			if err := m.cache.Write(m.key, m.graph.Version, func(path string) error {
				return os.WriteFile(path, []byte("this is no graph at all, only text"), 0o600)
			}); err != nil {
				t.Fatal(err)
			}
		},
	}
	e := open(t)
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			m := prepare(t, cache)
			if err := e.Keep(m, centernetOptions); err != nil {
				t.Fatal(err)
			}
			path := graphIn(t, cache)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, path, content)

			m = prepare(t, cache)
			s := session(t, e, m, centernetOptions)
			if s.Optimised() {
				t.Fatal("it was trusted")
			}
			answer(t, s)
			if err := e.Keep(m, centernetOptions); err != nil {
				t.Fatal(err)
			}
			if !session(t, e, prepare(t, cache), centernetOptions).Optimised() {
				t.Error("it was not rebuilt")
			}
		})
	}
}

func TestACacheThatCannotBeWrittenOnlyCostsTime(t *testing.T) {
	e := open(t)
	cache := filepath.Join(t.TempDir(), "file")
	write(t, cache, []byte("not a folder"))
	m := prepare(t, cache)
	answer(t, session(t, e, m, centernetOptions))
	if err := e.Keep(m, centernetOptions); err == nil {
		t.Error("a graph was kept in a file that is no folder")
	}
}

func TestNoCacheKeepsNothing(t *testing.T) {
	e := open(t)
	m := prepare(t, "")
	answer(t, session(t, e, m, centernetOptions))
	if err := e.Keep(m, centernetOptions); err != nil {
		t.Error(err)
	}
}

func TestManyKeepTheSameGraphAtOnce(t *testing.T) {
	e, cache := open(t), t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		m := prepare(t, cache)
		wg.Go(func() {
			if err := e.Keep(m, centernetOptions); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if !session(t, e, prepare(t, cache), centernetOptions).Optimised() {
		t.Error("none of them has kept it")
	}
	graphIn(t, cache) // and nothing else is left
}

// graphIn is the one file in the cache.
func graphIn(t testing.TB, cache string) string {
	t.Helper()
	list, err := os.ReadDir(cache)
	if err != nil || len(list) != 1 {
		t.Fatalf("the cache holds %v, %v; want one graph", list, err)
	}
	return filepath.Join(cache, list[0].Name())
}
