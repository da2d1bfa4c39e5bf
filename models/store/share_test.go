package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/models/store"
)

// childEnv makes the test binary a process that pulls one model and ends.
const childEnv = "SACCADE_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if root := os.Getenv(childEnv); root != "" {
		os.Exit(child(root, os.Args[1]))
	}
	os.Exit(m.Run())
}

// child prints the sum it got and whether it was told that it pinned it.
func child(root, uri string) int {
	s, err := store.Open(root, store.Options{})
	if err == nil {
		var m store.Model
		if m, err = s.Pull(context.Background(), store.Request{URI: uri}, nil); err == nil {
			fmt.Println(m.Sum, m.Pinned)
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func childOf(t *testing.T, root, uri string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, uri)
	cmd.Env = append(os.Environ(), childEnv+"="+root)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestManyCallersMakeOneDownload(t *testing.T) {
	const callers = 32
	body := bytesOf(1, 200_000)
	h := newHost(t, body)
	gate := make(chan struct{})
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		<-gate
		h.content(n, w, r)
	})
	s, root := open(t, store.Options{})
	second, err := store.Open(root, store.Options{}) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	var pinned atomic.Int32
	var waiting sync.WaitGroup
	var group errgroup.Group
	for i := range callers {
		waiting.Add(1)
		group.Go(func() error {
			from := []*store.Store{s, second}[i%2]
			once := sync.OnceFunc(waiting.Done)
			m, err := from.Pull(t.Context(), store.Request{URI: h.uri()}, func(int64, int64) { once() })
			if err == nil && m.Sum != sumOf(body) {
				err = fmt.Errorf("got %s", m.Sum)
			}
			if m.Pinned {
				pinned.Add(1)
			}
			return err
		})
	}
	waiting.Wait() // every caller has been told of progress, so every one waits
	close(gate)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.requests()); n != 1 || pinned.Load() != 1 {
		t.Errorf("%d requests, %d told that it was pinned", n, pinned.Load())
	}
}

func TestManyProcessesMakeOneDownload(t *testing.T) {
	body := bytesOf(1, 2_000_000)
	h := newHost(t, body)
	started := make(chan struct{}, 1)
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		h.content(n, w, r)
	})
	root := t.TempDir()
	var group errgroup.Group
	var pinned atomic.Int32
	for range 6 {
		cmd := childOf(t, root, h.uri())
		group.Go(func() error {
			out, err := cmd.Output()
			var sum string
			var told bool
			if _, scanErr := fmt.Sscan(string(out), &sum, &told); err == nil && (scanErr != nil || sum != sumOf(body)) {
				err = fmt.Errorf("a process says %q (%w)", out, scanErr)
			}
			if told {
				pinned.Add(1)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.requests()); n != 1 || pinned.Load() != 1 {
		t.Errorf("%d requests, %d told that it was pinned", n, pinned.Load())
	}
}

func TestAKilledProcessLeavesItsBytesToTheNext(t *testing.T) {
	body := bytesOf(1, 1_000_000)
	const half = 500_000
	h := newHost(t, body)
	hold := make(chan struct{})
	defer close(hold)
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		if n > 1 {
			h.content(n, w, r)
			return
		}
		w.Header().Set("ETag", h.etag)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:half])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	})
	root := t.TempDir()
	victim := childOf(t, root, h.uri())
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	// This process waits for the victim's lock, and its progress is the victim's.
	s, err := store.Open(root, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return partialSize(t, root) == half })
	kill := sync.OnceFunc(func() {
		if err := victim.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = victim.Wait() // it was killed: its state is known
	})
	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, func(done, total int64) {
		if done == half && total == int64(len(body)) {
			kill()
		}
	})
	holds(t, m, err, body)
	if asked := h.requests(); len(asked) != 2 || asked[1] != fmt.Sprintf("bytes=%d-", half) {
		t.Errorf("ranges asked for: %q", asked)
	}
}

// waitFor polls what no channel of ours tells: the disk that another process writes.
func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-poll.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func partialSize(t *testing.T, root string) int64 {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(root, "partial", "*.part"))
	if err != nil || len(parts) != 1 {
		return -1
	}
	info, err := os.Stat(parts[0])
	if err != nil {
		return -1
	}
	return info.Size()
}

func TestACallerThatLeavesDoesNotEndTheDownloadOfOthers(t *testing.T) {
	body := bytesOf(1, 1000)
	h := newHost(t, body)
	gate := make(chan struct{})
	h.answer(func(n int, w http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
		case <-r.Context().Done():
			t.Error("the download was ended")
		}
		h.content(n, w, r)
	})
	s, _ := open(t, store.Options{})
	impatient, leave := context.WithCancel(t.Context())
	var group errgroup.Group
	joined := make(chan struct{})
	group.Go(func() error { // starts the download, and leaves when the other has joined
		_, err := s.Pull(impatient, store.Request{URI: h.uri()}, nil)
		close(gate)
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the one that left got %w", err)
		}
		return nil
	})
	waitFor(t, func() bool { return len(h.requests()) == 1 })
	group.Go(func() error {
		once := sync.OnceFunc(func() { close(joined) })
		m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, func(int64, int64) { once() })
		if err == nil && !m.Pinned {
			err = errors.New("nobody was told that the model was pinned")
		}
		return err
	})
	<-joined
	leave()
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(h.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestProgressTellsBytesAndTheirTotal(t *testing.T) {
	body := bytesOf(1, 100_000)
	h := newHost(t, body)
	gate := make(chan struct{})
	h.answer(func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:60_000])
		_ = http.NewResponseController(w).Flush()
		<-gate
		_, _ = w.Write(body[60_000:])
	})
	s, _ := open(t, store.Options{})
	open := sync.OnceFunc(func() { close(gate) })
	var last [2]int64
	m, err := s.Pull(t.Context(), store.Request{URI: h.uri()}, func(done, total int64) {
		if last = [2]int64{done, total}; last == [2]int64{60_000, 100_000} {
			open() // without this the test never ends
		}
	})
	holds(t, m, err, body)
	if last != [2]int64{100_000, 100_000} {
		t.Errorf("the last progress is %v", last)
	}
}
