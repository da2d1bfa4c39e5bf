package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// declare writes a function.yaml with that model into a folder of its own, as a pod
// has it: no model lies beside.
func declare(t *testing.T, uri, sum string) string {
	t.Helper()
	text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: eye}\nspec:\n  model: {uri: '" + uri + "', family: centernet"
	if sum != "" {
		text += ", sha256: " + sum
	}
	file := filepath.Join(t.TempDir(), "function.yaml")
	if err := os.WriteFile(file, []byte(text+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// host serves centernet's model and counts how often it was asked.
func host(t *testing.T) (url, sum string, asked *atomic.Int64) {
	t.Helper()
	content, err := os.ReadFile(centernet + "/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(content)
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/m.onnx" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL, hex.EncodeToString(digest[:]), asked
}

func pull(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var said bytes.Buffer
	err := run(t.Context(), time.Now(), append([]string{"pull"}, args...), &said)
	return said.String(), err
}

// What the init container leaves in the cache is what the server is started with.
func TestAModelIsPulledForTheServer(t *testing.T) {
	url, sum, asked := host(t)
	for name, file := range map[string]string{
		"by its sum":                declare(t, url+"/m.onnx", sum),
		"by its pin":                declare(t, url+"/m.onnx", ""),
		"out of the program itself": declare(t, "m.onnx", sum),
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			said, err := pull(t, "--function", file, "--cache", cache)
			if err != nil || !strings.Contains(said, `"msg":"model pulled"`) || !strings.Contains(said, sum) {
				t.Fatalf("%v; it said %s", err, said)
			}
			before := asked.Load()
			if said, err = pull(t, "--function", file, "--cache", cache); err != nil || !strings.Contains(said, "in the store already") {
				t.Errorf("the second time: %v; it said %s", err, said)
			}
			p := launch(t, "--model", "", "--function", file, "--cache", cache, "--store", "--oip-http", "listen")
			if err, _ := p.get(t, "/v1/start", nil); err != nil {
				t.Fatal(err)
			}
			if got := p.detect(t, sample(t)); len(got.Detections) == 0 {
				t.Error("it sees nothing")
			}
			if now := asked.Load(); now != before {
				t.Errorf("the host was asked %d times more", now-before)
			}
		})
	}
}

// The pods of a node share one cache.
func TestOneOfManyDownloads(t *testing.T) {
	url, sum, asked := host(t)
	file, cache := declare(t, url+"/m.onnx", sum), t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := run(t.Context(), time.Now(), []string{"pull", "--function", file, "--cache", cache}, io.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the host was asked %d times", n)
	}
}

func TestAServerPullsForItself(t *testing.T) {
	url, sum, asked := host(t)
	file, cache := declare(t, url+"/m.onnx", sum), t.TempDir()
	for range 2 {
		p := launch(t, "--model", "", "--function", file, "--cache", cache, "--pull")
		if err, _ := p.get(t, "/v1/start", nil); err != nil {
			t.Fatal(err)
		}
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if status := p.ended(t); status != 0 {
			t.Errorf("it ended with %d", status)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the host was asked %d times", n)
	}
}

// Whoever asks meanwhile finds it alive, so that nobody begins a long pull again, and
// not ready.
func TestAServerAnswersWhileItPulls(t *testing.T) {
	content, err := os.ReadFile(centernet + "/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	goOn := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(content[:1000])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-goOn:
			_, _ = w.Write(content[1000:])
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	p := launch(t, "--model", "", "--function", declare(t, slow.URL+"/m.onnx", ""), "--pull")
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		for range 3 {
			if _, status := p.get(t, path, nil); status != want {
				t.Errorf("%s: %d", path, status)
			}
		}
	}
	close(goOn)
	if _, status := p.get(t, "/v1/start", nil); status != http.StatusOK {
		t.Errorf("start: %d", status)
	}
	if _, status := p.get(t, "/readyz", nil); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
}

func TestAServerThatIsEndedWhileItPullsEnds(t *testing.T) {
	reached := make(chan struct{}, 1)
	stalled := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	defer stalled.Close()
	p := launch(t, "--model", "", "--function", declare(t, stalled.URL+"/m.onnx", ""), "--pull")
	<-reached
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ended(t)
	if !strings.Contains(p.log.String(), "msg=stopping") {
		t.Error("it did not stop as one does")
	}
}

func TestAPullThatFailsSaysWhy(t *testing.T) {
	url, sum, _ := host(t)
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	notAModel := filepath.Join(t.TempDir(), "page.onnx")
	if err := os.WriteFile(notAModel, []byte("<!DOCTYPE html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		function, says string
		status         int
	}{
		"another file":             {declare(t, url+"/m.onnx", strings.Repeat("ab", 32)), "is not the file its function declares", statusPermanent},
		"a file that is not there": {declare(t, url+"/none.onnx", sum), "answered 404 Not Found", statusPermanent},
		"no model":                 {declare(t, "file://"+notAModel, ""), "cannot be served", statusPermanent},
		"a path in a folder":       {declare(t, "m.onnx", ""), "lies in the function's own folder, which is not here", statusPermanent},
		"no declaration":           {filepath.Join(t.TempDir(), "none.yaml"), "declaration cannot be read", statusPermanent},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pull(t, "--function", c.function, "--cache", t.TempDir())
			if err == nil || status(err) != c.status || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, status %d; want %q, %d", err, status(err), c.says, c.status)
			}
			refusesToServe(t, c.function, c.says, c.status)
		})
	}
	t.Run("a host that is away is tried again", func(t *testing.T) {
		file := declare(t, away.URL+"/m.onnx", sum)
		if _, err := pull(t, "--function", file, "--cache", t.TempDir()); status(err) != statusFailed {
			t.Errorf("%v, status %d", err, status(err))
		}
		refusesToServe(t, file, "", statusFailed)
	})
	t.Run("one that was ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := run(ctx, time.Now(), []string{"pull", "--function", declare(t, url+"/m.onnx", sum), "--cache", t.TempDir()}, io.Discard)
		if !errors.Is(err, context.Canceled) || status(err) != statusFailed {
			t.Errorf("%v, status %d", err, status(err))
		}
	})
}

// refusesToServe starts a server that is to pull what cannot be pulled: it ends as the
// pull alone does, with the same last word.
func refusesToServe(t *testing.T, function, says string, status int) {
	t.Helper()
	p := launch(t, "--model", "", "--function", function, "--cache", t.TempDir(), "--pull")
	if _, got := p.get(t, "/v1/start", nil); got != http.StatusServiceUnavailable {
		t.Errorf("the start of the server: %d", got)
	}
	if got := p.ended(t); got != status {
		t.Errorf("the server ended with %d, the pull with %d", got, status)
	}
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "saccade-runtime: ") || !strings.Contains(last, says) {
		t.Errorf("its last word is %q", last)
	}
}

func TestAServerWithAnEmptyStoreSaysSo(t *testing.T) {
	url, sum, asked := host(t)
	p := launch(t, "--model", "", "--function", declare(t, url+"/m.onnx", sum), "--store")
	said, status := p.get(t, "/v1/start", nil)
	if status != http.StatusServiceUnavailable || said.Kind != functions.Unavailable || !strings.Contains(said.Detail, "is not in the model store, and here it is not fetched") {
		t.Errorf("start: %d %v", status, said)
	}
	if status := p.ended(t); status != statusPermanent || asked.Load() != 0 {
		t.Errorf("it ended with %d, and asked %d times", status, asked.Load())
	}
}

func TestPullFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"--function is missing": {"pull", "--cache", "c"},
		"--cache is missing":    {"pull", "--function", "f", "--cache", ""},
		`unexpected argument`:   {"pull", "--function", "f", "now"},
		"neither text nor json": {"pull", "--function", "f", "--log", "xml"},
		"not defined":           {"pull", "--speed", "9"},
		"need --function":       {"--store", "--cache", "c"},
		"and --cache":           {"--store", "--function", "f", "--cache", ""},
		"go with neither":       {"--store", "--function", "f", "--model", "m"},
	} {
		if err := run(t.Context(), time.Now(), args, io.Discard); status(err) != statusUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, status %d; want %q", args, err, status(err), want)
		}
	}
}

func TestTheLastWordIsLeftWhereKubernetesReadsIt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "termination-log")
	leaveWord(file, errors.New("nobody reads this"))
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was made where there was none")
	}
	if err := os.WriteFile(file, []byte("what the last one said, which was longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	leaveWord(file, errors.New("the model is none"))
	if text, _ := os.ReadFile(file); string(text) != "the model is none" {
		t.Errorf("it says %q", text)
	}
	leaveWord(file, errors.New(strings.Repeat("x", 10000)))
	if text, _ := os.ReadFile(file); len(text) != maxLastWords {
		t.Errorf("it says %d bytes", len(text))
	}
}
