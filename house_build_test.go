package house_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/runtime/onnx/library"
)

// The command line and the gateway run where no C library is.
func TestTheCommandLineIsPureGo(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/saccade")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("listing what cmd/saccade is made of: %v\n%s", err, out)
	}
	for _, fault := range cgoFaults(string(out)) {
		t.Errorf("cmd/saccade is made of %s", fault)
	}
}

func cgoFaults(deps string) []string {
	var faults []string
	for dep := range strings.FieldsSeq(deps) {
		if slices.Contains([]string{"runtime/cgo", "github.com/yalue/onnxruntime_go", module + "/runtime/onnx", module + "/runtime/turbo"}, dep) {
			faults = append(faults, dep)
		}
	}
	return faults
}

func TestCgoIsSeenAmongDependencies(t *testing.T) {
	got := cgoFaults("fmt\nruntime\n" + module + "/gateway\n" + module + "/runtime/onnx\n" + module + "/runtime/onnx/library\ngithub.com/yalue/onnxruntime_go\n" + module + "/runtime/turbo\n")
	if len(got) != 3 {
		t.Errorf("saw %q; want runtime/onnx, onnxruntime_go and runtime/turbo", got)
	}
}

// What setup fetches is what the runtime looks for.
func TestSetupFetchesTheVersionTheRuntimeLooksFor(t *testing.T) {
	pinned := fmt.Sprintf(`"onnxruntime-node": "%s"`, library.Version)
	if !strings.Contains(readFile(t, "tools/onnxruntime/package.json"), pinned) {
		t.Errorf("tools/onnxruntime/package.json does not say %s", pinned)
	}
}

// The task wrapper speaks before Go does, where Go is missing or too old.
func TestTheTaskWrapperSaysWhatIsMissing(t *testing.T) {
	minor := regexp.MustCompile(`(?m)^go 1\.(\d+)`).FindStringSubmatch(readFile(t, "go.mod"))
	if minor == nil {
		t.Fatal("go.mod names no version of Go")
	}
	needed := "1." + minor[1]
	tests := []struct {
		name    string
		version string // what go says of itself; "" where there is no go
		says    []string
	}{
		{"no Go", "", []string{"Go is missing", "Go " + needed, "go.dev/dl"}},
		{"a Go too old to fetch another", "go1.19.8", []string{"this is go1.19.8", "Go " + needed, "go.dev/dl"}},
		{"the Go before the one needed", "go1.25.1", []string{"this is go1.25.1", "Go " + needed}},
		{"the Go needed", "go" + needed + ".0", []string{"ran tool -modfile=tools/go.mod task --list"}},
		{"a later Go", "go1.31", []string{"ran tool -modfile=tools/go.mod task --list"}},
		{"a Go built from source", "devel go1.30-0a1b2c", []string{"ran tool -modfile=tools/go.mod task --list"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bin := t.TempDir()
			for _, name := range []string{"sh", "dirname", "cut"} {
				real, err := exec.LookPath(name)
				if err != nil {
					t.Skipf("this machine has no %s", name)
				}
				if err := os.Symlink(real, filepath.Join(bin, name)); err != nil {
					t.Fatal(err)
				}
			}
			if test.version != "" {
				fake := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = env ]; then echo '%s'; else echo ran \"$@\"; fi\n", test.version)
				if err := os.WriteFile(filepath.Join(bin, "go"), []byte(fake), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(filepath.Join(bin, "sh"), "./task", "--list")
			cmd.Env = []string{"PATH=" + bin}
			out, err := cmd.CombinedOutput()
			if ran := strings.HasPrefix(test.says[0], "ran "); ran != (err == nil) {
				t.Errorf("./task ended with %v", err)
			}
			for _, want := range test.says {
				if !strings.Contains(string(out), want) {
					t.Errorf("./task says %q; want it to say %q", out, want)
				}
			}
		})
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
