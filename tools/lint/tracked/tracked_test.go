package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRunReportsWhatBelongsToOneMachine(t *testing.T) {
	// The words are put together here, so that they do not stand in this file.
	person := "/" + "home/ada/"
	tests := []struct {
		name, file, text string
		want             string // "" where there is nothing to report
	}{
		{"a clean file", "a.md", "see ./docs and https://example.org/\n", ""},
		{"a person's home", "a.md", "first\nrun " + person + "saccade\n", "a.md:2: a path of someone's machine"},
		{"a container's user is nobody", "Dockerfile", "WORKDIR /" + "home/nonroot/app/\n", ""},
		{"a registry's host", "lock.json", `{"resolved": "https://registry.example.test/x.tgz"}`, "lock.json:1: the host of a package registry"},
		{"the repository's own path", "a.go", "ROOT/x", "a.go:1: a path of this machine"},
		{"a binary file is not read", "a.png", "\x00" + person, ""},
		{"a shell script that cannot be parsed", "run", "#!/bin/sh\nif true\n", "run: sh -n"},
		{"a shell script that can", "run.sh", "if true; then :; fi\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOPROXY", "https://registry.example.test,direct")
			root := t.TempDir()
			text := strings.ReplaceAll(test.text, "ROOT", root)
			if err := os.WriteFile(filepath.Join(root, test.file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("git", "-C", root, "init", "-q").CombinedOutput(); err != nil {
				t.Fatalf("git init: %v: %s", err, out)
			}
			faults, err := run(t.Context(), root)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case test.want == "" && len(faults) > 0:
				t.Errorf("reported %q; want nothing", faults)
			case test.want != "" && !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, test.want) }):
				t.Errorf("reported %q; want %q", faults, test.want)
			}
		})
	}
}

func TestPlacesEveryMachineHasGiveNothingAway(t *testing.T) {
	got := places("/builds/saccade", "/root")
	if want := []word{{"/builds/saccade/", "a path of this machine"}}; !slices.Equal(got, want) {
		t.Errorf("places = %v; want %v", got, want)
	}
}

func TestHostsAreReadFromAListAsGoWritesIt(t *testing.T) {
	got := hostsIn("https://one.test,http://two.test:8080/go|direct,off\n")
	if want := []string{"one.test", "two.test:8080"}; !slices.Equal(got, want) {
		t.Errorf("hosts = %v; want %v", got, want)
	}
}
