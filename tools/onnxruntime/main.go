// Command onnxruntime sees to what Saccade needs beside Go: a C compiler, which
// it can only ask for, and ONNX Runtime's shared library, which it fetches.
//
// It receives the machine as it is: environment, PATH and the user's cache
// folder. It hands on the library at saccade/onnxruntime/VERSION/ in that cache
// folder, where every build of the function server finds it, or one message that
// names everything missing and how to get it. It refuses a library whose SHA-256
// is not the one written in library.go, and does nothing where the right one is
// there already or SACCADE_ONNXRUNTIME points at another.
//
// The library comes out of the npm package onnxruntime-node, pinned by the lock
// beside this file and installed without its scripts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

// run checks first and fetches second, so that a machine that cannot build
// Saccade says so before 100 MB have travelled.
func run(ctx context.Context, stdout io.Writer) error {
	if own := os.Getenv("SACCADE_ONNXRUNTIME"); own != "" {
		if _, err := os.Stat(own); err != nil {
			return fmt.Errorf("SACCADE_ONNXRUNTIME names no library: %w", err)
		}
		return missing(ctx, false)
	}

	lib, err := libraryFor(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("there is no folder to keep ONNX Runtime in: set HOME, XDG_CACHE_HOME or SACCADE_ONNXRUNTIME (%w)", err)
	}
	dir := filepath.Join(cache, "saccade", "onnxruntime", version())

	absent := lib.check(filepath.Join(dir, lib.name))
	if err := missing(ctx, absent != nil); err != nil || absent == nil {
		return err
	}
	if !errors.Is(absent, os.ErrNotExist) {
		fmt.Fprintf(stdout, "ONNX Runtime is there but cannot be used, so it is fetched again: %v\n", absent)
	}
	return fetch(ctx, stdout, lib, dir)
}
