// Command turbojpeg fetches libjpeg-turbo's shared library, with which JPEGs are
// decoded several times as fast as without.
//
// It receives the machine as it is and hands on the library at
// saccade/turbojpeg/VERSION/ in the user's cache folder, where the function server
// finds it. It refuses a library whose SHA-256 is not the one written in library.go,
// and does nothing where the right one is there already, where SACCADE_TURBOJPEG
// names another, or where there is none for the platform. Without the library
// pictures are decoded in Go, so that not getting it is said, and is no failure.
//
// The library comes out of an npm package: its archive, pinned by the library's own
// sum, is downloaded and never installed.
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

// run fails where what the user asked for is not there, or is interrupted.
func run(ctx context.Context, stdout io.Writer) error {
	if own := os.Getenv("SACCADE_TURBOJPEG"); own != "" {
		if _, err := os.Stat(own); err != nil {
			return fmt.Errorf("SACCADE_TURBOJPEG names no library: %w", err)
		}
		return nil
	}
	lib, known := libraries[runtime.GOOS+"/"+runtime.GOARCH]
	if !known {
		return nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("there is no folder to keep libjpeg-turbo in: set HOME, XDG_CACHE_HOME or SACCADE_TURBOJPEG (%w)", err)
	}
	dir := filepath.Join(cache, "saccade", "turbojpeg", version)
	data, absent := os.ReadFile(filepath.Join(dir, lib.name))
	if absent == nil {
		absent = lib.check(data)
	}
	if absent == nil {
		return nil
	}
	if !errors.Is(absent, os.ErrNotExist) {
		fmt.Fprintf(stdout, "libjpeg-turbo is there but cannot be used, so it is fetched again: %v\n", absent)
	}
	if err := fetch(ctx, stdout, lib, dir); err != nil {
		if ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(stdout, "libjpeg-turbo is not there; JPEGs are decoded in Go, which takes some five times as long: %v\n", err)
	}
	return nil
}
