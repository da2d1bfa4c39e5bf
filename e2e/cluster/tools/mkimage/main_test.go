package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestAnImageHoldsItsFilesAndSaysHowToRunThem(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("program"), 0o644); err != nil {
		t.Fatal(err)
	}
	write := func(name string) []byte {
		i := image{
			out: filepath.Join(dir, name), tag: "dev.local/app:1", user: "65532:65532",
			files: list{program + ":/app/bin/program", program + ":/app/data:600"}, env: list{"K=V"}, entrypoint: []string{"/app/bin/program", "-x"},
		}
		if err := i.write(); err != nil {
			t.Fatal(err)
		}
		bytes, err := os.ReadFile(i.out)
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	archive := write("one.tar")
	if !bytes.Equal(archive, write("two.tar")) {
		t.Error("equal input gives other bytes")
	}
	parts := entries(t, archive)
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(parts["manifest.json"], &manifest); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(manifest[0].RepoTags, []string{"dev.local/app:1"}) {
		t.Errorf("it is called %q", manifest[0].RepoTags)
	}
	var config struct {
		Config struct {
			User       string
			Entrypoint []string
			Env        []string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	if err := json.Unmarshal(parts[manifest[0].Config], &config); err != nil {
		t.Fatal(err)
	}
	if c := config.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/app/bin/program", "-x"}) || !slices.Contains(c.Env, "K=V") {
		t.Errorf("it runs %+v", c)
	}
	layer := parts[manifest[0].Layers[0]]
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256(layer)); config.RootFS.DiffIDs[0] != want {
		t.Errorf("the layer is %s, and the image says %s", want, config.RootFS.DiffIDs[0])
	}
	files := entries(t, layer)
	for name, want := range map[string]string{"app/bin/program": "program", "app/data": "program", "app/": "", "app/bin/": "", "tmp/": ""} {
		if got, ok := files[name]; !ok || string(got) != want {
			t.Errorf("%s is %q (there: %v), not %q", name, got, ok, want)
		}
	}
}

func TestAFileThatIsNotThereIsAnError(t *testing.T) {
	i := image{out: filepath.Join(t.TempDir(), "out.tar"), files: list{"/nonexistent:/x"}}
	if err := i.write(); err == nil {
		t.Error("no error")
	}
}

func entries(t *testing.T, archive []byte) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if found[header.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}
