package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// judges is what testdata/judge.py needs, at the version it was written with.
const judges = "tritonclient[all]==2.73.0"

// python is an interpreter that has Triton's client: in a folder of the user's cache,
// so that it is fetched once.
func python(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("there is nowhere to keep Triton's client: %v", err)
	}
	folder := filepath.Join(cache, "saccade", "judges", judges)
	interpreter, complete := filepath.Join(folder, "bin", "python"), filepath.Join(folder, "complete")
	if _, err := os.Stat(complete); err == nil {
		return interpreter
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, command := range [][]string{
		{"python3", "-m", "venv", "--clear", folder},
		{interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", judges},
	} {
		if said, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Skipf("Triton's client cannot be had: %s: %v\n%s", strings.Join(command[:2], " "), err, said)
		}
	}
	if err := os.WriteFile(complete, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return interpreter
}

// free is an address that nobody listens on now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Triton's clients find the door as they would find Triton's.
func TestTritonsClientsAreAtHomeHere(t *testing.T) {
	if testing.Short() {
		t.Skip("Triton's clients take seconds")
	}
	interpreter := python(t)
	folder := t.TempDir()
	model, err := filepath.Abs(centernet + "/centernet-mbv3.onnx")
	if err != nil {
		t.Fatal(err)
	}
	// Beside it lies its declaration, with the same thresholds.
	if err := os.Symlink(filepath.Dir(model), filepath.Join(folder, "second")); err != nil {
		t.Fatal(err)
	}
	http, grpc := free(t), free(t)
	p := launch(t, "--name", "m", "--oip-http", http, "--oip-grpc", grpc, "--models", folder)
	if err, _ := p.get(t, "/v1/start", nil); err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(p.detect(t, sample(t)).Detections)
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), interpreter, "testdata/judge.py",
		http, grpc, repository+"/samples/astronaut.png", string(want)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	t.Logf("%s", said)
}
