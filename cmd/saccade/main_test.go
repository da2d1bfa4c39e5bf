package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed45885407/saccade/runtime/onnx/library"
)

// runtimeProgram is the function server, built for the tests.
var runtimeProgram string

func TestMain(m *testing.M) {
	testscript.Main(builder{m}, map[string]func(){
		"saccade": main,
	})
}

// builder builds the function server before the tests and removes it after them.
type builder struct{ m *testing.M }

func (b builder) Run() int {
	dir, err := os.MkdirTemp("", "saccade-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	runtimeProgram = filepath.Join(dir, runtimeName)
	build := exec.Command("go", "build", "-o", runtimeProgram, "../saccade-runtime")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the function server:", err)
		return 1
	}
	return b.m.Run()
}

// needRuntime skips where ONNX Runtime has not been set up, unless the tests were
// told that it has.
func needRuntime(t *testing.T) {
	t.Helper()
	if _, err := library.Find(""); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// sharedModels is a folder with models to test with, or empty.
func sharedModels() string {
	root := os.Getenv("SACCADE_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir, err := filepath.Abs(filepath.Join(root, "models"))
	if err != nil {
		return ""
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

func TestStories(t *testing.T) {
	needRuntime(t)
	cache := t.TempDir() // shared: the optimised graph is made once
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			samplesDir, err := filepath.Abs(filepath.Join("..", "..", "samples"))
			if err != nil {
				return err
			}
			home, err := os.UserHomeDir()
			if err != nil {
				return err
			}
			env.Setenv("HOME", home) // where ONNX Runtime's library is
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir)
			env.Setenv("SACCADE_CACHE", cache)
			env.Setenv("SACCADE_RUNTIME", runtimeProgram)
			env.Setenv("SACCADE_MODEL_MIRROR", sharedModels())
			env.Setenv("SAMPLES", samplesDir)
			env.Setenv("SHARED_MODELS", sharedModels())
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "shared" {
				return sharedModels() != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

func TestTheRuntimeIsFoundWhereItIsNamed(t *testing.T) {
	if _, err := findRuntime(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a runtime that is not there was found")
	}
	t.Setenv("PATH", "")
	if path, err := findRuntime(""); err == nil {
		t.Errorf("found %s with an empty PATH", path)
	}
	t.Setenv("PATH", filepath.Dir(runtimeProgram))
	if path, err := findRuntime(""); err != nil || path != runtimeProgram {
		t.Errorf("found %s, %v; want %s", path, err, runtimeProgram)
	}
}
