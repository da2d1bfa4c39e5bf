package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/runtime/onnx/library"
)

// process is one running saccade-runtime.
type process struct {
	cmd      *exec.Cmd
	socket   string
	lifeline *os.File // our end
	client   *http.Client
	log      *bytes.Buffer
}

// launch starts the program as a platform does: with a socket that listens
// already, and a pipe that tells it when we are gone.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	if _, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME")); err != nil {
		t.Skip(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	defer listener.Close()
	inherited, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	theirEnd, ourEnd, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirEnd.Close()

	p := &process{socket: socket, lifeline: ourEnd, log: &bytes.Buffer{}}
	p.cmd = exec.Command(os.Args[0], append([]string{
		"--function", centernet + "/function.yaml", "--model", centernet + "/centernet-mbv3.onnx", "--cache", t.TempDir(),
		"--listen", "fd:3", "--lifeline", "4", "--requested-at", strconv.FormatInt(time.Now().UnixNano(), 10),
	}, args...)...)
	p.cmd.Env = append(os.Environ(), "SACCADE_RUNTIME_MAIN=1")
	p.cmd.ExtraFiles = []*os.File{inherited, theirEnd}
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		_ = p.cmd.Process.Kill() // where the test has not seen it end
		_ = p.cmd.Wait()
		ourEnd.Close()
		if t.Failed() {
			t.Logf("it said:\n%s", p.log)
		}
	})
	return p
}

func sample(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(repository + "/samples/astronaut.png")
	if err != nil {
		t.Skipf("needs a sample picture: %v", err)
	}
	return data
}

func (p *process) detect(t *testing.T, picture []byte) functions.Answer {
	t.Helper()
	resp, err := p.client.Post("http://instance/v1/detect?min_score=0.4", "image/png", bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("detect: %v", problem.Read(resp))
	}
	var a functions.Answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *process) get(t *testing.T, path string, into any) (*functions.Error, int) {
	t.Helper()
	resp, err := p.client.Get("http://instance" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return problem.Read(resp), resp.StatusCode
	}
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return nil, resp.StatusCode
}

// ended waits for the process and returns its status, -1 where a signal ended it.
func (p *process) ended(t *testing.T) int {
	t.Helper()
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}
