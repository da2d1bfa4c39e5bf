package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeNPM installs a package that holds one library with the given content.
const fakeNPM = `#!/bin/sh
[ "$1" = ci ] && [ "$2" = --ignore-scripts ] && [ -f package-lock.json ] && [ -f .npmrc ] || { echo "asked for: $*"; exit 2; }
mkdir -p node_modules/onnxruntime-node/bin/here
printf '%s' "$FAKE_LIBRARY" >node_modules/onnxruntime-node/bin/here/libonnxruntime.so.1
echo MIT >node_modules/onnxruntime-node/LICENSE
`

func TestFetch(t *testing.T) {
	const content = "the library"
	tests := []struct {
		name    string
		npm     string
		content string
		fault   string // what the message must say; "" where the library lands
	}{
		{name: "the library and its licence land", npm: fakeNPM, content: content},
		{name: "a failing npm is quoted", npm: "#!/bin/sh\necho EAI_AGAIN no such host; exit 7\n", fault: "EAI_AGAIN no such host"},
		{name: "a package with another library in it is refused", npm: fakeNPM, content: "another library", fault: "instead of"},
		{name: "a package without the library is refused", npm: "#!/bin/sh\nexit 0\n", fault: "does not hold the library"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onPath(t, map[string]string{"npm": test.npm}, "mkdir")
			t.Setenv("FAKE_LIBRARY", test.content)
			sum := sha256.Sum256([]byte(content))
			lib := library{dir: "bin/here", name: "libonnxruntime.so.1", sha256: hex.EncodeToString(sum[:])}
			dir := filepath.Join(t.TempDir(), "onnxruntime", "1.30.0")

			var said strings.Builder
			err := fetch(t.Context(), &said, lib, dir)

			if test.fault != "" {
				if err == nil || !strings.Contains(err.Error(), test.fault) {
					t.Errorf("fetch = %v; want an error that says %q", err, test.fault)
				}
				if _, err := os.Stat(dir); err == nil {
					t.Errorf("a failed fetch left %s behind", dir)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range map[string]string{"libonnxruntime.so.1": content, "LICENSE": "MIT\n"} {
					if got, err := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
						t.Errorf("%s holds %q (%v); want %q", name, got, err, want)
					}
				}
				if !strings.Contains(said.String(), dir) {
					t.Errorf("fetch said %q, which does not tell where the library is", said.String())
				}
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "fetch-*")); len(left) > 0 {
				t.Errorf("fetch left %v behind", left)
			}
		})
	}
}

func TestRun(t *testing.T) {
	if _, ok := libraries[runtime.GOOS+"/"+runtime.GOARCH]; !ok {
		t.Skip("no library for this platform")
	}
	const cc, badCC = "#!/bin/sh\nexit 0\n", "#!/bin/sh\necho stdlib.h: No such file; exit 1\n"
	tests := []struct {
		name     string
		programs map[string]string
		own      string
		says     []string
		saysNot  []string
	}{
		{
			name:     "a machine without npm is told how to get it",
			programs: map[string]string{"cc": cc},
			says:     []string{"npm:", "apt-get install npm"}, saysNot: []string{"C compiler"},
		},
		{
			name:     "a machine that lacks everything is told everything at once",
			programs: nil,
			says:     []string{"C compiler", "npm:", "apt-get install gcc libc6-dev npm"},
		},
		{
			name:     "a compiler without headers is no compiler",
			programs: map[string]string{"cc": badCC, "npm": "#!/bin/sh\nexit 9\n"},
			says:     []string{"stdlib.h", "apt-get install gcc libc6-dev"}, saysNot: []string{"exit status 9"},
		},
		{
			name:     "a library of one's own makes npm needless",
			programs: map[string]string{"cc": cc},
			own:      "main.go",
		},
		{
			name:     "a library of one's own that is not there is said",
			programs: map[string]string{"cc": cc},
			own:      "no-such-library.so",
			says:     []string{"SACCADE_ONNXRUNTIME", "no-such-library.so"},
		},
	}
	// The go command keeps counters here, and writes them even after it has ended:
	// in a folder of the test's they would get in the way of its removal.
	settings, err := os.UserConfigDir()
	if err != nil {
		settings = os.TempDir()
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("XDG_CONFIG_HOME", settings)
			// Go itself wants these; the cache folder is what the test is about.
			for _, name := range []string{"GOCACHE", "GOPATH", "GOMODCACHE"} {
				out, err := exec.Command("go", "env", name).Output()
				if err != nil {
					t.Fatal(err)
				}
				t.Setenv(name, strings.TrimSpace(string(out)))
			}
			onPath(t, test.programs, "go")
			t.Setenv("CC", "cc")
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("HOME", t.TempDir())
			t.Setenv("SACCADE_ONNXRUNTIME", test.own)

			err = run(t.Context(), t.Output())
			text := ""
			if err != nil {
				text = err.Error()
			}
			if (err != nil) != (len(test.says) > 0) {
				t.Errorf("run = %v; want an error that says %q", err, test.says)
			}
			for _, want := range test.says {
				if !strings.Contains(text, want) {
					t.Errorf("run says %q; want it to say %q", text, want)
				}
			}
			for _, never := range test.saysNot {
				if strings.Contains(text, never) {
					t.Errorf("run says %q, and %q is not at fault", text, never)
				}
			}
		})
	}
}

func TestEveryLockedPackageHasASumAndNoAddress(t *testing.T) {
	data, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Resolved, Integrity string }
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	if got := lock.Packages["node_modules/onnxruntime-node"].Version; got != version() {
		t.Errorf("the lock has onnxruntime-node %q, package.json %q", got, version())
	}
	for name, pkg := range lock.Packages {
		if name != "" && (pkg.Integrity == "" || pkg.Resolved != "") {
			t.Errorf("%s: integrity %q, resolved %q", name, pkg.Integrity, pkg.Resolved)
		}
	}
}

// onPath makes PATH a folder of the given scripts and of the named real programs,
// and nothing else.
func onPath(t *testing.T, scripts map[string]string, programs ...string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range programs {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}
