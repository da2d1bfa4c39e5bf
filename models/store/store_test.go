package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/models/store"
)

func TestPullLandsOnceAndPins(t *testing.T) {
	body := bytesOf(1, 300_000)
	h := newHost(t, body)
	s, root := open(t, store.Options{})
	s.SetNow(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) })

	first, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, first, err, body)
	if !first.Pinned || first.From != h.uri() || first.Path != filepath.Join(root, "sha256", sumOf(body)+".onnx") {
		t.Errorf("the first pull: %+v", first)
	}
	info, err := os.Stat(first.Path)
	if err != nil || info.Mode() != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	again, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, again, err, body)
	if again.Pinned || again.From != "" || len(h.requests()) != 1 {
		t.Errorf("the second pull: %+v after %d requests", again, len(h.requests()))
	}
	lock, err := os.ReadFile(filepath.Join(root, store.LockFileName))
	want := fmt.Sprintf(`{
  "version": 1,
  "models": {
    "%s": {
      "sha256": "%s",
      "pinned": "2026-01-02T03:04:05Z"
    }
  }
}
`, h.uri(), sumOf(body))
	if diff := cmp.Diff(want, string(lock)); diff != "" || err != nil {
		t.Errorf("the lock file: %v %s", err, diff)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "partial", "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestADeclaredSumIsHeldTo(t *testing.T) {
	body := bytesOf(1, 1000)
	h := newHost(t, body)
	s, root := open(t, store.Options{})
	other := sumOf(bytesOf(2, 1))

	_, err := s.Pull(t.Context(), store.Request{URI: h.uri(), SHA256: other}, nil)
	refused(t, err, root, "is not the file its function declares")
	if !strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), sumOf(body)) {
		t.Errorf("the log does not tell both sums: %v", err)
	}

	m, err := s.Pull(t.Context(), store.Request{URI: h.uri(), SHA256: sumOf(body)}, nil)
	holds(t, m, err, body)
	if _, err := os.Stat(filepath.Join(root, store.LockFileName)); err == nil || m.Pinned {
		t.Error("a declared sum was pinned")
	}
	// Whatever the address, the content is known.
	m, err = s.Pull(t.Context(), store.Request{URI: "https://nowhere.invalid/m.onnx", SHA256: sumOf(body)}, nil)
	holds(t, m, err, body)
	if n := len(h.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestAChangedFileIsRefusedUntilItIsAccepted(t *testing.T) {
	old, changed := bytesOf(1, 1000), bytesOf(2, 1000)
	h := newHost(t, old)
	s, root := open(t, store.Options{})
	if _, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil); err != nil {
		t.Fatal(err)
	}
	h.set(changed, `"two"`)

	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, old) // what is in the store is what was pinned

	for _, file := range landed(t, root) {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	refused(t, err, root, "has changed since it was pinned on first use")
	lock := filepath.Join(root, store.LockFileName)
	for _, want := range []string{sumOf(old), sumOf(changed), lock, "to accept the new file", h.uri()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %s", err, want)
		}
	}

	if err := os.WriteFile(lock, []byte(`{"version":1,"models":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err = s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	holds(t, m, err, changed)
	if !m.Pinned {
		t.Error("the new file was not pinned")
	}
}

func TestADamagedLockFileIsNotStartedAnew(t *testing.T) {
	h := newHost(t, bytesOf(1, 10))
	for name, text := range map[string]string{
		"cut off":                 `{"version":1,"mod`,
		"of a later version":      `{"version":2,"models":{}}`,
		"with a sum that is none": `{"version":1,"models":{"a":{"sha256":"../../etc"}}}`,
		"empty":                   ``,
	} {
		t.Run(name, func(t *testing.T) {
			s, root := open(t, store.Options{})
			lock := filepath.Join(root, store.LockFileName)
			if err := os.WriteFile(lock, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
			refused(t, err, root, "lock file cannot be read")
			if !strings.Contains(err.Error(), lock) || !strings.Contains(err.Error(), "remove it to pin every model anew") {
				t.Errorf("the log does not help: %v", err)
			}
			if kept, err := os.ReadFile(lock); err != nil || string(kept) != text {
				t.Errorf("the file is now %q, %v", kept, err)
			}
		})
	}
}

func TestAModelThatIsNotChecked(t *testing.T) {
	h := newHost(t, []byte("not a model"))
	var seen []byte
	s, root := open(t, store.Options{Check: func(path string) (err error) {
		seen, err = os.ReadFile(path)
		if err == nil {
			err = fmt.Errorf("no graph")
		}
		return err
	}})
	_, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
	refused(t, err, root, "is no model that can be served")
	if string(seen) != "not a model" || !strings.Contains(err.Error(), "no graph") {
		t.Errorf("checked %q, %v", seen, err)
	}
	if _, err := os.Stat(filepath.Join(root, store.LockFileName)); err == nil {
		t.Error("it was pinned")
	}
	if left, _ := filepath.Glob(filepath.Join(root, "partial", "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestADamagedModelIsFetchedAgain(t *testing.T) {
	body := bytesOf(1, 1000)
	for name, c := range map[string]struct {
		damage   func(t *testing.T, m store.Model)
		requests int
	}{
		"a model cut short":           {func(t *testing.T, m store.Model) { replace(t, m.Path, body[:10]) }, 2},
		"a model gone":                {func(t *testing.T, m store.Model) { remove(t, m.Path) }, 2},
		"a record gone, model intact": {func(t *testing.T, m store.Model) { remove(t, record(m)) }, 1},
		"a record of another size":    {func(t *testing.T, m store.Model) { replace(t, record(m), []byte(`{"size":3}`)) }, 1},
		"record gone, model replaced": {func(t *testing.T, m store.Model) {
			remove(t, record(m))
			replace(t, m.Path, bytesOf(2, 1000))
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, body)
			s, _ := open(t, store.Options{})
			m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
			holds(t, m, err, body)
			c.damage(t, m)
			for range 2 {
				m, err = s.Pull(t.Context(), store.Request{URI: h.uri()}, nil)
				holds(t, m, err, body)
			}
			if n := len(h.requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	s, root := open(t, store.Options{})
	_, err := s.Pull(t.Context(), store.Request{URI: "s3://bucket/m.onnx"}, nil)
	refused(t, err, root, "address is not valid")
	_, err = s.Pull(t.Context(), store.Request{URI: "m.onnx", SHA256: "../../../etc/passwd"}, nil)
	refused(t, err, root, "SHA-256 is not valid")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := newHost(t, bytesOf(1, 10))
	if _, err := s.Pull(ctx, store.Request{URI: h.uri()}, nil); err == nil || ctx.Err() == nil || len(h.requests()) > 0 {
		t.Errorf("a caller that is gone already: %v after %d requests", err, len(h.requests()))
	}
	if _, err := store.Open(t.TempDir(), store.Options{Mirror: "ftp://mirror/"}); err == nil || !strings.Contains(err.Error(), "ftp://mirror/") {
		t.Errorf("a mirror of an unknown scheme: %v", err)
	}
}
