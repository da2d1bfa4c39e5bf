package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// missing returns one error that names every program this machine lacks, with the
// command that installs them on Debian.
func missing(ctx context.Context, needNPM bool) error {
	var faults, packages []string
	if err := compiles(ctx); err != nil {
		faults = append(faults, fmt.Sprintf("a C compiler: the function server calls ONNX Runtime, which is C (%v)", err))
		packages = append(packages, "gcc", "libc6-dev")
	}
	if _, err := exec.LookPath("npm"); needNPM && err != nil {
		faults = append(faults, "npm: ONNX Runtime's library comes in an npm package; or set SACCADE_ONNXRUNTIME to a library you have")
		packages = append(packages, "npm")
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("this machine lacks\n  - %s\non Debian and Ubuntu get it with\n  apt-get install %s",
		strings.Join(faults, "\n  - "), strings.Join(packages, " "))
}

// compiles asks the compiler that Go would use for an object file. Debian's gcc
// without libc6-dev is there, and fails at the first header.
func compiles(ctx context.Context) error {
	cc, err := exec.CommandContext(ctx, "go", "env", "CC").Output()
	if err != nil {
		return fmt.Errorf("asking Go for its C compiler: %w", err)
	}
	words := strings.Fields(string(cc))
	if len(words) == 0 {
		return errors.New("go env CC is empty")
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], "-x", "c", "-fsyntax-only", "-")...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\nint main(void) { return 0; }\n")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case len(out) > 0:
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return errors.New(line)
	default:
		return err
	}
}
