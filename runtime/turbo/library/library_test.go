package library

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What setup fetches is what the runtime looks for.
func TestSetupFetchesThisVersion(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "tools", "turbojpeg", "library.go"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `version = "` + Version + `"`; !strings.Contains(string(source), want) {
		t.Errorf("tools/turbojpeg/library.go does not say %s", want)
	}
}

func TestNames(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, named string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, Names(named)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	check("where none was fetched, the system is asked", "", FileName())

	fetched := filepath.Join(cache, "saccade", "turbojpeg", Version, FileName())
	if err := os.MkdirAll(filepath.Dir(fetched), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fetched, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("the fetched one comes before the system's", "", fetched, FileName())
	check("a folder that is named comes alone", filepath.Dir(fetched), fetched)
	absent := filepath.Join(t.TempDir(), "mine.so")
	check("a file that is named comes alone, though it is not there", absent, absent)
}
