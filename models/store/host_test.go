package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store"
)

// bytesOf is a model of n bytes; seed tells one from another.
func bytesOf(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// host is a server of one model that writes down what it was asked.
type host struct {
	*httptest.Server
	mu    sync.Mutex
	body  []byte
	etag  string
	asked []string // the Range header of each request
	// serve answers the request of that number, from 1; nil: as ServeContent does.
	serve func(n int, w http.ResponseWriter, r *http.Request)
}

func newHost(t *testing.T, body []byte) *host {
	h := &host{body: body, etag: `"one"`}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r.Header.Get("Range"))
	n, serve := len(h.asked), h.serve
	h.mu.Unlock()
	if serve == nil {
		serve = h.content
	}
	serve(n, w, r)
}

// content answers with ranges and the ETag.
func (h *host) content(_ int, w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	body, etag := h.body, h.etag
	h.mu.Unlock()
	if etag != "" {
		w.Header().Set("ETag", etag)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// answer sets how requests are answered from now on.
func (h *host) answer(serve func(n int, w http.ResponseWriter, r *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serve = serve
}

// cutAfter sends the first n bytes of an answer that promises all, and hangs up.
func (h *host) cutAfter(n int, w http.ResponseWriter) {
	if h.etag != "" {
		w.Header().Set("ETag", h.etag)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(h.body)))
	_, _ = w.Write(h.body[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func (h *host) set(body []byte, etag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.body, h.etag = body, etag
}

func (h *host) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

func (h *host) uri() string { return h.URL + "/releases/m.onnx" }

func open(t *testing.T, opts store.Options) (*store.Store, string) {
	t.Helper()
	root := t.TempDir()
	opts.Backoff = time.Nanosecond
	s, err := store.Open(root, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

// holds fails unless m is the file with that content.
func holds(t *testing.T, m store.Model, err error, body []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, body) || m.Sum != sumOf(body) || m.Size != int64(len(body)) {
		t.Errorf("%+v holds %d bytes of sum %s, want %d of %s", m, len(got), sumOf(got), len(body), sumOf(body))
	}
}

// refused fails unless err is Unavailable with want in what the caller may read,
// and nothing landed in root.
func refused(t *testing.T, err error, root, want string) {
	t.Helper()
	e, ok := errors.AsType[*functions.Error](err)
	if !ok || e.Kind != functions.Unavailable {
		t.Fatalf("got %v, want an unavailable model", err)
	}
	if !strings.Contains(e.Detail, want) {
		t.Errorf("the caller reads %q, want %q in it", e.Detail, want)
	}
	if strings.Contains(e.Detail, root) || strings.Contains(e.Detail, "/releases/") {
		t.Errorf("the caller reads internals: %q", e.Detail)
	}
	if files := landed(t, root); len(files) > 0 {
		t.Errorf("landed: %v", files)
	}
}

func landed(t *testing.T, root string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func record(m store.Model) string { return strings.TrimSuffix(m.Path, ".onnx") + ".json" }

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	remove(t, path)
	if err := os.WriteFile(path, content, fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
}
