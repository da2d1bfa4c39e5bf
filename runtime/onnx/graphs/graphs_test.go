package graphs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var key = Key{ModelSum: strings.Repeat("ab", 32), Provider: "cpu", Options: "all"}

func writing(content string) func(path string) error {
	return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
}

func kept(t *testing.T, c Cache, k Key) string {
	t.Helper()
	g, err := c.Open(k)
	if err != nil {
		return err.Error()
	}
	defer g.Close()
	return g.Version + " " + string(g.Content)
}

func TestWhatWasWrittenIsOpened(t *testing.T) {
	c := New(filepath.Join(t.TempDir(), "not", "there", "yet"))
	if _, err := c.Open(key); !errors.Is(err, ErrNone) {
		t.Errorf("Open of an empty cache: %v", err)
	}
	for _, content := range []string{"one", "", strings.Repeat("graph", 100_000)} {
		if err := c.Write(key, "1.30.0", writing(content)); err != nil {
			t.Fatal(err)
		}
		if got := kept(t, c, key); got != "1.30.0 "+content {
			t.Errorf("opened %.40q, wrote %.40q", got, content)
		}
	}
}

func TestEveryPartOfTheKeyCounts(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Write(key, "1", writing("x")); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(k *Key){
		"the model":    func(k *Key) { k.ModelSum = strings.Repeat("cd", 32) },
		"the provider": func(k *Key) { k.Provider = "cuda" },
		"the options":  func(k *Key) { k.Options = "none" },
	} {
		t.Run(name, func(t *testing.T) {
			other := key
			change(&other)
			if _, err := c.Open(other); !errors.Is(err, ErrNone) {
				t.Error("a graph for another key was opened")
			}
			// Nor does it help to give the file the other's name.
			content, err := os.ReadFile(c.path(key))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(c.path(other), content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Open(other); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "another key") {
				t.Errorf("a graph in another's place: %v", err)
			}
		})
	}
}

func TestNoDamageGoesUnseen(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Write(key, "1.30.0", writing("some graph")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(c.path(key))
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, content []byte) {
		if err := os.WriteFile(c.path(key), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(key); !errors.Is(err, ErrNone) {
			t.Errorf("%s: trusted", what)
		}
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		refused(fmt.Sprintf("byte %d changed", i), damaged)
		refused(fmt.Sprintf("cut off after %d bytes", i), whole[:i])
	}
	refused("something appended", append(bytes.Clone(whole), 0))
	refused("something before", append([]byte{0}, whole...))
}

func TestAFailedWriteLeavesWhatWasThere(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Write(key, "1", writing("old")); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no room")
	if err := c.Write(key, "1", func(path string) error {
		return errors.Join(writing("ne")(path), failure)
	}); !errors.Is(err, failure) {
		t.Errorf("Write: %v", err)
	}
	if got := kept(t, c, key); got != "1 old" {
		t.Errorf("kept %q", got)
	}
	if list, _ := os.ReadDir(c.dir); len(list) != 1 {
		t.Errorf("it left %v", list)
	}
}

func TestABuildThatReplacesItsFileIsNotKept(t *testing.T) {
	c := New(t.TempDir())
	err := c.Write(key, "1", func(path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return writing("elsewhere")(path)
	})
	if err == nil {
		t.Error("it was kept")
	}
}

func TestWhatACrashLeavesIsOverwritten(t *testing.T) {
	c := New(t.TempDir())
	if err := os.WriteFile(c.path(key)+".building", []byte("half of a long gra"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Write(key, "1", writing("new")); err != nil {
		t.Fatal(err)
	}
	if got := kept(t, c, key); got != "1 new" {
		t.Errorf("kept %q", got)
	}
}

func TestOneBuildsAtATime(t *testing.T) {
	c := New(t.TempDir())
	err := c.Write(key, "1", func(path string) error {
		if err := c.Write(key, "1", func(string) error { return errors.New("built twice") }); err != nil {
			return err
		}
		return writing("once")(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := kept(t, c, key); got != "1 once" {
		t.Errorf("kept %q", got)
	}
}

func TestAGraphThatIsReplacedStaysWithWhoHasIt(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Write(key, "1", writing("old")); err != nil {
		t.Fatal(err)
	}
	g, err := c.Open(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write(key, "2", writing("new")); err != nil {
		t.Fatal(err)
	}
	if string(g.Content) != "old" {
		t.Errorf("it became %q", g.Content)
	}
	if err := errors.Join(g.Close(), g.Close()); err != nil {
		t.Error(err)
	}
}
