package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed45885407/saccade/runtime/lambda/lambdatest"
	"github.com/seed45885407/saccade/runtime/onnx/library"
	turbo "github.com/seed45885407/saccade/runtime/turbo/library"
)

// environment is an execution environment of AWS Lambda: a folder that is the image's
// /opt/saccade, a Runtime API, and one process at a time.
type environment struct {
	api       *lambdatest.API
	folder    string
	variables []string
	cmd       *exec.Cmd
	log       *said
	answers   int
}

// said is what a process says, which tests read while it goes on.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// prepare lays out an image. A variable is NAME=VALUE.
func prepare(t *testing.T, variables ...string) *environment {
	t.Helper()
	onnxruntime, err := library.Find(os.Getenv("SACCADE_ONNXRUNTIME"))
	if err != nil {
		t.Skip(err)
	}
	e := &environment{api: lambdatest.New(t), folder: t.TempDir(), variables: variables, log: &said{}}
	files := map[string]string{
		centernet + "/function.yaml":       "function.yaml",
		centernet + "/centernet-mbv3.onnx": "centernet-mbv3.onnx",
		onnxruntime:                        library.FileName(),
	}
	if names := turbo.Names(os.Getenv("SACCADE_TURBOJPEG")); filepath.IsAbs(names[0]) {
		files[names[0]] = turbo.FileName()
	}
	for from, to := range files {
		from, err := filepath.Abs(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, filepath.Join(e.folder, to)); err != nil {
			t.Fatal(err)
		}
	}
	e.copyProgram(t)
	t.Cleanup(func() {
		e.kill()
		if t.Failed() {
			t.Logf("it said:\n%s", e.log)
		}
	})
	return e
}

// copyProgram puts this test's executable into the image: where it lies, its libraries
// are looked for.
func (e *environment) copyProgram(t *testing.T) {
	t.Helper()
	to := filepath.Join(e.folder, "saccade-runtime")
	if os.Link(os.Args[0], to) == nil {
		return
	}
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(file, from)
	if closeErr := file.Close(); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
}

// enter prepares an environment and starts its process.
func enter(t *testing.T, variables ...string) *environment {
	t.Helper()
	e := prepare(t, variables...)
	e.start(t)
	return e
}

// start starts the process with what Lambda sets, and nothing else: no HOME, say.
func (e *environment) start(t *testing.T) {
	t.Helper()
	e.cmd = exec.Command(filepath.Join(e.folder, "saccade-runtime"))
	e.cmd.Dir = e.folder
	e.cmd.Env = append([]string{
		"SACCADE_RUNTIME_MAIN=1", "SACCADE_FUNCTION=" + e.folder, "AWS_LAMBDA_RUNTIME_API=" + e.api.Address(),
		"AWS_LAMBDA_FUNCTION_NAME=eye", "AWS_LAMBDA_FUNCTION_VERSION=42", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_REGION=eu-central-1", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
	}, e.variables...)
	e.cmd.Stderr = e.log
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process as Lambda does at a bound.
func (e *environment) kill() {
	if e.cmd != nil && e.cmd.ProcessState == nil {
		_ = e.cmd.Process.Kill()
		_ = e.cmd.Wait()
	}
}

func (e *environment) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := e.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// shutDown is Lambda's shutdown phase: SIGTERM, and SIGKILL for what is there later.
// Lambda kills after half a second, or two where there is an extension of its own
// process; a busy machine is given more, as what counts is that it ends by itself.
func (e *environment) shutDown(t *testing.T) {
	t.Helper()
	if len(e.api.Registered) != 1 {
		t.Error("without an extension Lambda would send no SIGTERM")
	}
	e.signal(t, syscall.SIGTERM)
	killed := time.AfterFunc(time.Minute, func() { _ = e.cmd.Process.Kill() })
	defer killed.Stop()
	e.ended(t, 0)
}

func (e *environment) ended(t *testing.T, status int) {
	t.Helper()
	_ = e.cmd.Wait()
	if got := e.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("it ended with %d (%v), want %d", got, e.cmd.ProcessState, status)
	}
}

// stat are the fields of a file like /proc/PID/stat from the third, the state, on.
func stat(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), nil
}

// untilStopped waits for every thread: the process is called stopped once its first one
// is, and the others may go on for a moment.
func (e *environment) untilStopped(t *testing.T) {
	t.Helper()
	for {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", e.cmd.Process.Pid))
		if err != nil || len(threads) == 0 {
			t.Skipf("the kernel does not say: %v", err)
		}
		if !slices.ContainsFunc(threads, func(thread string) bool {
			fields, err := stat(thread)
			return err != nil || fields[0] != "T" // it is gone: there may be others now
		}) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// cpu is the process's CPU time in ticks, of itself and in the kernel.
func (e *environment) cpu(t *testing.T) [2]string {
	t.Helper()
	fields, err := stat(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	if err != nil {
		t.Skipf("the kernel does not say: %v", err)
	}
	return [2]string{fields[14-3], fields[15-3]}
}

func (e *environment) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(e.folder, name)); err != nil {
		t.Fatal(err)
	}
}

func (e *environment) write(t *testing.T, name, content string) {
	t.Helper()
	e.remove(t, name) // a link
	if err := os.WriteFile(filepath.Join(e.folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}
