package store_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store"
)

func TestFindAsksNobody(t *testing.T) {
	asked := 0
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte("a model"))
	}))
	defer host.Close()
	root := t.TempDir()
	s, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	far := store.Request{URI: host.URL + "/m.onnx"}
	beside := store.Request{URI: "m.onnx", Folder: fstest.MapFS{"m.onnx": {Data: []byte("another")}}}
	for _, req := range []store.Request{far, beside, {URI: "file:///m.onnx", SHA256: strings.Repeat("ab", 32)}} {
		if m, err := s.Find(req); functions.KindOf(err) != functions.Unavailable || !strings.Contains(err.Error(), "m.onnx") && !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s in an empty store: %v, %v", req.URI, m, err)
		}
	}
	if asked != 0 {
		t.Fatalf("the host was asked %d times", asked)
	}
	pulled, err := s.Pull(t.Context(), far, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Another process, which may only read.
	for _, dir := range []string{"sha256", "partial", "."} {
		if err := os.Chmod(filepath.Join(root, dir), 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, dir), 0o755) })
	}
	other, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]store.Request{
		"by its pin": far, "by its sum": {URI: "elsewhere.onnx", SHA256: pulled.Sum},
	} {
		if m, err := other.Find(req); err != nil || m.Path != pulled.Path {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if asked != 1 {
		t.Errorf("the host was asked %d times", asked)
	}
	if _, err := other.Find(store.Request{URI: far.URI, SHA256: strings.Repeat("cd", 32)}); err == nil {
		t.Error("a model of another sum was found")
	}
}

func TestWhatAnotherTryMayCureIsTold(t *testing.T) {
	host := httptest.NewServer(http.NotFoundHandler())
	s, err := store.Open(t.TempDir(), store.Options{Backoff: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pull(t.Context(), store.Request{URI: host.URL + "/m.onnx"}, nil); err == nil || store.Temporary(err) {
		t.Errorf("a model that is not there: %v", err)
	}
	host.Close()
	if _, err := s.Pull(t.Context(), store.Request{URI: host.URL + "/m.onnx"}, nil); !store.Temporary(err) {
		t.Errorf("a host that is away: %v", err)
	}
}
