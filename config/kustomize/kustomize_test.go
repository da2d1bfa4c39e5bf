// Package kustomize_test checks that the gateway takes every configuration that is
// shipped for clusters. What else is to be true of the manifests, tools/charts tests
// with kustomize's and Helm's own libraries.
package kustomize_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed45885407/saccade/config"
)

func TestTheGatewayTakesEveryConfiguration(t *testing.T) {
	t.Setenv(config.EnvCache, "") // a pod has neither this nor a home
	t.Setenv("HOME", "")
	seen := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "saccade.yaml" {
			return err
		}
		seen++
		c := config.Default()
		if err := c.Load(filepath.FromSlash(path)); err != nil {
			t.Error(err)
		} else if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if c.Listen != "0.0.0.0:8080" || c.Access.KeysFile == "" {
			t.Errorf("%s: it listens on %s, with the keys file %q", path, c.Listen, c.Access.KeysFile)
		}
		return nil
	})
	if err != nil || seen < 2 {
		t.Fatalf("found %d configurations: %v", seen, err)
	}
}
