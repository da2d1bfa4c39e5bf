package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// project is what npm needs to install the package just as it was locked.
//
//go:embed package.json package-lock.json .npmrc
var project embed.FS

// fetch installs the npm package into a folder of its own, lands the library and
// its notices in dir, and removes the folder: unpacked, the package is 290 MB, for
// all platforms together.
func fetch(ctx context.Context, stdout io.Writer, lib library, dir string) (err error) {
	fmt.Fprintf(stdout, "Fetching ONNX Runtime %s by npm (about 100 MB, once) ...\n", version())
	began := time.Now()

	// Beside dir rather than in the system's temporary folder, which may be small
	// and on another file system.
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("making ONNX Runtime's folder: %w", err)
	}
	sweep(parent)
	work, err := os.MkdirTemp(parent, "fetch-")
	if err != nil {
		return fmt.Errorf("making a folder to install in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	if err := os.CopyFS(work, project); err != nil {
		return fmt.Errorf("writing the npm project: %w", err)
	}
	if err := npmCI(ctx, work); err != nil {
		return err
	}

	pkg := filepath.Join(work, "node_modules", "onnxruntime-node")
	unpacked := filepath.Join(pkg, filepath.FromSlash(lib.dir), lib.name)
	if err := lib.check(unpacked); err != nil {
		return fmt.Errorf("the npm package does not hold the library it should: %w", err)
	}
	if err := land(pkg, unpacked, dir); err != nil {
		return fmt.Errorf("putting ONNX Runtime in its place: %w", err)
	}
	fmt.Fprintf(stdout, "ONNX Runtime %s is at %s (%.0f s)\n",
		version(), filepath.Join(dir, lib.name), time.Since(began).Seconds())
	return nil
}

// npmCI is quiet while all goes well, and otherwise says what npm said last.
func npmCI(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts")
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second // npm's children may hold the pipe when it is stopped
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("npm was interrupted: %w", context.Cause(ctx))
	}
	const most = 2000
	out = bytes.TrimSpace(out)
	return fmt.Errorf("npm could not install onnxruntime-node %s (%w):\n%s\n"+
		"is the npm registry reachable? otherwise set SACCADE_ONNXRUNTIME to a library you have",
		version(), err, out[max(0, len(out)-most):])
}

// land moves the package's notices and, last, the library into dir, each by a
// rename: whoever finds the library finds all of it, and its licence too.
func land(pkg, unpacked, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	moves := []string{}
	for _, pattern := range []string{"LICEN[CS]E*", "ThirdPartyNotices*"} {
		found, err := filepath.Glob(filepath.Join(pkg, pattern))
		if err != nil {
			return err
		}
		moves = append(moves, found...)
	}
	for _, from := range append(moves, unpacked) {
		if err := os.Chmod(from, 0o644); err != nil {
			return err
		}
		if err := os.Rename(from, filepath.Join(dir, filepath.Base(from))); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes what a killed fetch left behind. An hour is more than a fetch
// takes, so that one running now keeps its folder. What cannot be removed stays:
// it costs space only.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, "fetch-*"))
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
}
