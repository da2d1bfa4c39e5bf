package store_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/models/store"
)

func TestTheMirrorIsAskedFirst(t *testing.T) {
	official, mirrored := bytesOf(1, 1000), bytesOf(2, 1000)
	for name, c := range map[string]struct {
		file     string // in the mirror
		content  []byte
		sum      string // declared
		want     []byte
		atOrigin int
	}{
		"a file it has":                         {"m.onnx", mirrored, "", mirrored, 0},
		"a file it has, of the declared sum":    {"m.onnx", official, sumOf(official), official, 0},
		"a file of another sum than declared":   {"m.onnx", mirrored, sumOf(official), official, 1},
		"a file it does not have":               {"n.onnx", mirrored, "", official, 1},
		"a file that is no model":               {"m.onnx", []byte("no model"), "", official, 1},
		"an empty file":                         {"m.onnx", nil, "", official, 1},
		"a file that is larger than we take it": {"m.onnx", bytesOf(2, 3000), "", official, 1},
	} {
		check := func(path string) error {
			if b, err := os.ReadFile(path); err != nil || string(b) == "no model" {
				return os.ErrInvalid
			}
			return nil
		}
		run := func(t *testing.T, mirror, place string) {
			h := newHost(t, official)
			s, _ := open(t, store.Options{Mirror: mirror, Check: check, MaxBytes: 2000})
			m, err := s.Pull(t.Context(), store.Request{URI: h.uri(), SHA256: c.sum}, nil)
			holds(t, m, err, c.want)
			if n := len(h.requests()); n != c.atOrigin {
				t.Errorf("%d requests at the origin, want %d", n, c.atOrigin)
			}
			if m.Pinned != (c.sum == "") {
				t.Errorf("pinned: %v", m.Pinned)
			}
			if want := map[int]string{0: place, 1: h.uri()}[c.atOrigin]; m.From != want {
				t.Errorf("from %s, want %s", m.From, want)
			}
			again, err := s.Pull(t.Context(), store.Request{URI: h.uri(), SHA256: c.sum}, nil)
			holds(t, again, err, c.want)
		}
		dir := t.TempDir()
		write(t, filepath.Join(dir, c.file), c.content)
		t.Run(name+" in a folder", func(t *testing.T) { run(t, dir, filepath.Join(dir, "m.onnx")) })
		t.Run(name+" in a folder by URL", func(t *testing.T) { run(t, "file://"+dir, filepath.Join(dir, "m.onnx")) })
		t.Run(name+" on the web", func(t *testing.T) {
			web := httptest.NewServer(http.StripPrefix("/models", http.FileServer(http.Dir(dir))))
			defer web.Close()
			run(t, web.URL+"/models/", web.URL+"/models/m.onnx")
		})
	}
}

func TestAMirrorKeepsToThePin(t *testing.T) {
	official, other := bytesOf(1, 1000), bytesOf(2, 1000)
	h := newHost(t, official)
	root, dir := t.TempDir(), t.TempDir()
	plain, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Pull(t.Context(), store.Request{URI: h.uri()}, nil); err != nil {
		t.Fatal(err)
	}
	for _, file := range landed(t, root) {
		remove(t, file)
	}
	write(t, filepath.Join(dir, "m.onnx"), other)
	s, err := store.Open(root, store.Options{Mirror: dir})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, official)
}

func TestAMirrorStandsInForAnOriginThatIsAway(t *testing.T) {
	h := newHost(t, nil)
	h.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), bytesOf(1, 100))
	s, _ := open(t, store.Options{Mirror: dir})
	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, bytesOf(1, 100))

	s, root := open(t, store.Options{Mirror: t.TempDir()})
	_, err = s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	refused(t, err, root, "cannot be reached for the model")
	if !strings.Contains(err.Error(), "the mirror was asked before: there is no model file m.onnx") {
		t.Errorf("the log does not tell of the mirror: %v", err)
	}
}

func TestAMirrorHasNoPartInLocalModels(t *testing.T) {
	own, other := bytesOf(1, 100), bytesOf(2, 100)
	dir, mirror := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), own)
	write(t, filepath.Join(mirror, "m.onnx"), other)
	s, _ := open(t, store.Options{Mirror: mirror})
	m, err := s.Pull(t.Context(), store.Request{URI: "m.onnx", Folder: os.DirFS(dir)}, nil)
	holds(t, m, err, own)
	m, err = s.Pull(t.Context(), store.Request{URI: "file://" + dir + "/m.onnx"}, nil)
	holds(t, m, err, own)
}

func TestNamesAMirrorIsNotAskedFor(t *testing.T) {
	body := bytesOf(1, 100)
	above := t.TempDir()
	mirror := filepath.Join(above, "mirror")
	if err := os.Mkdir(mirror, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(above, "secret"), bytesOf(2, 100))
	for _, path := range []string{"/", "/..", "/a/%2e%2e", "/%2e%2e%2fsecret"} {
		h := newHost(t, body)
		s, _ := open(t, store.Options{Mirror: mirror})
		m, err := s.Pull(t.Context(), store.Request{URI: h.URL + path}, nil)
		holds(t, m, err, body)
	}
}
