package openapi

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// maxLog is the most bytes of the gateway's log that are shown where a test has failed.
const maxLog = 20_000

// world is a gateway that runs, and what it talks to.
type world struct {
	url string
	// keys are API keys by name: owner may do everything, looker only look, sender only
	// send, narrow only use one function, slow send one request and then no more for long.
	keys map[string]string
	// hosts serves the samples, answers 500 under /broken, and takes callbacks.
	hosts *httptest.Server
	// log is the gateway's, to be read when it has stopped.
	log bytes.Buffer
	// stop ends the gateway, once.
	stop func()
}

// newWorld starts the program that ./task build has built, or the one in the folder
// that SACCADE_BIN names.
func newWorld(t *testing.T) *world {
	t.Helper()
	programs := cmp.Or(os.Getenv("SACCADE_BIN"), filepath.Join(root, "bin"))
	program, err := filepath.Abs(filepath.Join(programs, "saccade"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("there is no saccade; ./task build makes it: ", err)
	}
	if _, err := os.Stat(program + "-runtime"); err != nil {
		t.Skip("there is no saccade-runtime; ./task build makes it: ", err)
	}
	w := &world{keys: map[string]string{}}
	mux := http.NewServeMux()
	mux.Handle("GET /samples/", http.StripPrefix("/samples", http.FileServer(http.Dir(filepath.Join(root, "samples")))))
	mux.HandleFunc("GET /broken", func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "broken", http.StatusInternalServerError)
	})
	mux.HandleFunc("POST /answers", func(http.ResponseWriter, *http.Request) {})
	w.hosts = httptest.NewServer(mux)
	t.Cleanup(w.hosts.Close)

	dir := t.TempDir()
	keysFile := filepath.Join(dir, "keys.yaml")
	for name, grant := range map[string][]string{
		"owner":  {"--scopes", "detect,read,admin", "--rate", "1000", "--per-day", "100000"},
		"looker": {"--scopes", "read"},
		"sender": {"--scopes", "detect"},
		"narrow": {"--scopes", "detect,read", "--functions", "other"},
		"slow":   {"--rate", "0.001", "--burst", "1"},
	} {
		out, err := exec.CommandContext(t.Context(), program, append([]string{"keys", "new", name, "--file", keysFile}, grant...)...).Output()
		if err != nil {
			t.Fatalf("making a key: %v", err)
		}
		w.keys[name] = strings.TrimSpace(string(out))
	}
	w.functions(t, filepath.Join(dir, "functions"))
	w.start(t, program, dir, fmt.Sprintf(`
listen: 127.0.0.1:0
functions: [%[1]s/functions]
maxPictureBytes: 1000000
maxWaitingBytes: 50000000
fetchAllow: [127.0.0.1]
access:
  open: true
  keysFile: %[2]s
answers: {cacheBytes: 10000000}
jobs: {dir: %[1]s/jobs, callbacks: ["%[3]s/answers"]}
events:
  default: centernet
`, dir, keysFile, w.hosts.URL))
	return w
}

// functions are, beside the shipped ones: hasty has no time to answer, broken has a
// model that is none, watched soon knows what is usual.
func (w *world) functions(t *testing.T, dir string) {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(root, "functions", "centernet", "centernet-mbv3.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]struct {
		model []byte
		spec  string
	}{
		"hasty":   {model, "  scaling: {timeout: 1ms}\n"},
		"broken":  {[]byte("no model"), ""},
		"watched": {model, "  drift: {reference: 50, window: 50}\n"},
	} {
		text := "apiVersion: saccade.dev/v1alpha1\nkind: Function\nmetadata: {name: " + name + "}\nspec:\n  model: {uri: m.onnx, family: centernet}\n" + f.spec
		err := os.MkdirAll(filepath.Join(dir, name), 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name, "m.onnx"), f.model, 0o644)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name, "function.yaml"), []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// start runs the gateway until the test ends.
func (w *world) start(t *testing.T, program, dir, configuration string) {
	t.Helper()
	file := filepath.Join(dir, "saccade.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "up", "--config", file)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &w.log
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		w.stop()
		if t.Failed() {
			log := w.log.Bytes()
			t.Logf("the end of the gateway's log:\n%s", log[max(0, len(log)-maxLog):])
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, rest, _ := strings.Cut(line, "http://")
	w.url, _, _ = strings.Cut("http://"+rest, ";")
	if err != nil || rest == "" {
		t.Fatalf("the gateway did not come up: %v; it said %q", err, line)
	}
}

// sample is a picture that ships, by its name in samples.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	picture, err := os.ReadFile(filepath.Join(root, "samples", filepath.Base(name)))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}
