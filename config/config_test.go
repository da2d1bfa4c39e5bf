package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDefaultsAreValidAndComeFromTheEnvironment(t *testing.T) {
	home, mine, ours := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	t.Setenv(EnvCache, "")
	t.Setenv(EnvFunctions, mine+string(os.PathListSeparator)+ours)
	t.Setenv(EnvModelMirror, "/models")
	c := Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.Cache, home) || c.ModelMirror != "/models" {
		t.Errorf("cache %s, mirror %s", c.Cache, c.ModelMirror)
	}
	if len(c.Functions) != 2 || c.Functions[0] != mine || c.Functions[1] != ours {
		t.Errorf("functions %q", c.Functions)
	}
	own := UserFunctions()
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if c := Default(); len(c.Functions) != 3 || c.Functions[0] != own {
		t.Errorf("functions %q, want the user's own first", c.Functions)
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	err := Saccade{Listen: "8080", MaxInstances: -1, Functions: []string{"/no/such/folder"}, Cluster: Cluster{Pods: "pigeon"}}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{"listen", "cache", "max-instances", "max-picture-bytes", "max-waiting", "drain", "cluster.pods", "/no/such/folder"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not among: %v", word, err)
		}
	}
}
