package library

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func file(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("nowhere: the error says how to get it", func(t *testing.T) {
		_, err := Find("")
		if functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "./task setup") {
			t.Errorf("Find: %v", err)
		}
	})
	inCache := file(t, cache, "saccade", "onnxruntime", Version, FileName())
	t.Run("in the user's cache folder", func(t *testing.T) {
		if got, err := Find(""); got != inCache {
			t.Errorf("Find: %q, %v; want %q", got, err, inCache)
		}
	})
	folder := t.TempDir()
	t.Run("a named folder comes first", func(t *testing.T) {
		want := file(t, folder, FileName())
		if got, err := Find(folder); got != want {
			t.Errorf("Find: %q, %v; want %q", got, err, want)
		}
	})
	t.Run("a named file comes first", func(t *testing.T) {
		want := file(t, folder, "mine.so")
		if got, err := Find(want); got != want {
			t.Errorf("Find: %q, %v; want %q", got, err, want)
		}
	})
	t.Run("a named file that is not there is an error, though the cache has one", func(t *testing.T) {
		_, err := Find(filepath.Join(folder, "other.so"))
		if functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "SACCADE_ONNXRUNTIME") {
			t.Errorf("Find: %v", err)
		}
	})
}
