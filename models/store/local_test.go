package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store"
)

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAModelInTheFunctionsFolder(t *testing.T) {
	body, later := bytesOf(1, 1000), bytesOf(2, 1000)
	folder := fstest.MapFS{"models/m.onnx": {Data: body}}
	s, root := open(t, store.Options{})
	m, err := s.Pull(t.Context(), store.Request{URI: "./models/m.onnx", Folder: folder}, nil)
	holds(t, m, err, body)
	if m.Pinned || m.From != "models/m.onnx" {
		t.Errorf("%+v", m)
	}
	m, err = s.Pull(t.Context(), store.Request{URI: "models/m.onnx", Folder: folder}, nil)
	holds(t, m, err, body)
	if m.From != "" {
		t.Errorf("was copied again from %s", m.From)
	}
	// A team that puts another model there means it; the running one keeps its file.
	folder["models/m.onnx"].Data = later
	changed, err := s.Pull(t.Context(), store.Request{URI: "models/m.onnx", Folder: folder}, nil)
	holds(t, changed, err, later)
	holds(t, m, nil, body)
	// With a declared sum, it is the model that counts and not the file.
	m, err = s.Pull(t.Context(), store.Request{URI: "models/m.onnx", Folder: folder, SHA256: sumOf(body)}, nil)
	holds(t, m, err, body)
	if _, err := os.Stat(filepath.Join(root, store.LockFileName)); err == nil {
		t.Error("a file of the function's own was pinned")
	}
}

func TestTheShippedModelIsTheOneDeclared(t *testing.T) {
	s, _ := open(t, store.Options{})
	sub, err := fs.Sub(functions.Shipped, "centernet")
	if err != nil {
		t.Fatal(err)
	}
	const sum = "b5a920bf6a9fff93a8d9f78efcbf09c2fe742cc2714fc63349fa34b4a985b3c4"
	m, err := s.Pull(t.Context(), store.Request{URI: "centernet-mbv3.onnx", SHA256: sum, Folder: sub}, nil)
	if err != nil || m.Sum != sum || m.Size != 4141861 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestLocalFilesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), bytesOf(1, 100))
	write(t, filepath.Join(dir, "large.onnx"), bytesOf(1, 2000))
	write(t, filepath.Join(dir, "empty.onnx"), nil)
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		req  store.Request
		want string
	}{
		"a file that is away":      {store.Request{URI: "away.onnx", Folder: os.DirFS(dir)}, "there is no model file away.onnx"},
		"a path without a folder":  {store.Request{URI: "m.onnx"}, "there is no model file m.onnx"},
		"a folder":                 {store.Request{URI: "sub", Folder: os.DirFS(dir)}, "the model file sub cannot be read"},
		"a device":                 {store.Request{URI: "file:///dev/zero"}, "the model file zero cannot be read"},
		"a file URL that is away":  {store.Request{URI: "file://" + dir + "/away.onnx"}, "there is no model file away.onnx"},
		"a file of another sum":    {store.Request{URI: "m.onnx", Folder: os.DirFS(dir), SHA256: sumOf(nil)}, "the model at m.onnx is not the file its function declares"},
		"a file that is too large": {store.Request{URI: "large.onnx", Folder: os.DirFS(dir)}, "the model at large.onnx is larger than we take"},
		"an empty file":            {store.Request{URI: "empty.onnx", Folder: os.DirFS(dir)}, "empty.onnx sent an empty file"},
	} {
		t.Run(name, func(t *testing.T) {
			s, root := open(t, store.Options{MaxBytes: 1000})
			_, err := s.Pull(t.Context(), c.req, nil)
			refused(t, err, root, c.want)
			if e, _ := errors.AsType[*functions.Error](err); strings.Contains(e.Detail, dir) {
				t.Errorf("the caller reads where it lies: %q", e.Detail)
			}
		})
	}
}

func TestAFileAddressIsPinnedAndWatched(t *testing.T) {
	old, changed := bytesOf(1, 1000), bytesOf(2, 1000)
	file := filepath.Join(t.TempDir(), "m 1.onnx")
	write(t, file, old)
	s, root := open(t, store.Options{})
	req := store.Request{URI: "file://" + strings.ReplaceAll(file, " ", "%20")}
	m, err := s.Pull(t.Context(), req, nil)
	holds(t, m, err, old)
	again, err := s.Pull(t.Context(), req, nil)
	holds(t, again, err, old)
	if !m.Pinned || again.Pinned || again.From != "" {
		t.Errorf("%+v and then %+v", m, again)
	}
	write(t, file, changed)
	_, err = s.Pull(t.Context(), req, nil)
	if err == nil || !strings.Contains(err.Error(), "to accept the new file, remove the address from "+filepath.Join(root, store.LockFileName)) {
		t.Errorf("got %v", err)
	}
	req.SHA256 = sumOf(changed)
	m, err = s.Pull(t.Context(), req, nil)
	holds(t, m, err, changed)
}

func TestALocalFileIsSummedOnce(t *testing.T) {
	body, other := bytesOf(1, 1000), bytesOf(2, 1000)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), body)
	write(t, filepath.Join(dir, "other.onnx"), other)
	s, root := open(t, store.Options{})
	pull := func(name string) store.Model {
		t.Helper()
		m, err := s.Pull(t.Context(), store.Request{URI: name, Folder: os.DirFS(dir)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	memory := filepath.Join(root, "seen.json")

	pull("m.onnx")
	if _, err := os.Stat(memory); err == nil {
		t.Error("a file that may still be written to is remembered")
	}
	s.SetNow(func() time.Time { return time.Now().Add(time.Minute) })
	pull("m.onnx")
	pull("other.onnx")
	// The memory is believed, which a wrong one shows.
	text, err := os.ReadFile(memory)
	if err != nil {
		t.Fatal(err)
	}
	write(t, memory, []byte(strings.ReplaceAll(string(text), sumOf(body), sumOf(other))))
	if m := pull("m.onnx"); m.Sum != sumOf(other) {
		t.Error("the file was summed once more")
	}
	// A file that is written to is another one.
	write(t, filepath.Join(dir, "m.onnx"), bytesOf(3, 1000))
	if m := pull("m.onnx"); m.Sum != sumOf(bytesOf(3, 1000)) {
		t.Errorf("got %+v", m)
	}
	for _, damage := range []string{"", "{", `{"a":"../../x"}`, "null"} {
		write(t, memory, []byte(damage))
		if m := pull("other.onnx"); m.Sum != sumOf(other) {
			t.Errorf("with the memory %q: %+v", damage, m)
		}
	}
}

func TestManyCopiesOfOneFile(t *testing.T) {
	body := bytesOf(1, 500_000)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.onnx"), body)
	write(t, filepath.Join(dir, "b.onnx"), body)
	s, root := open(t, store.Options{})
	var group errgroup.Group
	for i := range 16 {
		group.Go(func() error {
			_, err := s.Pull(t.Context(), store.Request{URI: []string{"a.onnx", "b.onnx"}[i%2], Folder: os.DirFS(dir)}, nil)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if files := landed(t, root); len(files) != 2 {
		t.Errorf("landed: %v", files)
	}
}

func TestACallerThatIsGoneDoesNotSumAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), bytesOf(1, 100))
	s, _ := open(t, store.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Pull(ctx, store.Request{URI: "m.onnx", Folder: os.DirFS(dir)}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
