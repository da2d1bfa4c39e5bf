package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// fetch has npm download the package's archive into a folder of its own, takes the
// library out of it, puts that in dir, and removes the folder. The package is never
// installed: neither its scripts nor what it depends on are wanted.
func fetch(ctx context.Context, stdout io.Writer, lib library, dir string) (err error) {
	fmt.Fprintf(stdout, "Fetching libjpeg-turbo %s by npm (3 MB, once) ...\n", version)
	work, err := os.MkdirTemp("", "saccade-turbojpeg-")
	if err != nil {
		return fmt.Errorf("making a folder to download into: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	if err := npmPack(ctx, work); err != nil {
		return err
	}
	data, err := unpack(work, lib.path)
	if err != nil {
		return fmt.Errorf("the npm package does not hold the library it should: %w", err)
	}
	if err := lib.check(data); err != nil {
		return fmt.Errorf("the npm package does not hold the library it should: %w", err)
	}
	if err := land(data, dir, lib.name); err != nil {
		return fmt.Errorf("putting libjpeg-turbo in its place: %w", err)
	}
	fmt.Fprintf(stdout, "libjpeg-turbo %s is at %s\n", version, filepath.Join(dir, lib.name))
	return nil
}

// npmPack is quiet while all goes well, and otherwise says what npm said last.
func npmPack(ctx context.Context, dir string) error {
	// A registry that is slow or fails is asked again.
	cmd := exec.CommandContext(ctx, "npm", "pack", "--ignore-scripts", "--silent",
		"--fetch-retries=5", "--fetch-retry-maxtimeout=20000", release)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second // npm's children may hold the pipe when it is stopped
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("npm was interrupted: %w", context.Cause(ctx))
	}
	const last = 2000
	out = bytes.TrimSpace(out)
	return fmt.Errorf("npm could not download %s (%w):\n%s", release, err, out[max(0, len(out)-last):])
}

// unpack reads one file of the only archive in dir.
func unpack(dir, path string) ([]byte, error) {
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return nil, err
	}
	if len(archives) != 1 {
		return nil, fmt.Errorf("npm left %d archives, not one", len(archives))
	}
	file, err := os.Open(archives[0])
	if err != nil {
		return nil, err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(plain); ; {
		member, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("there is no %s", path)
		}
		if err != nil {
			return nil, err
		}
		if member.Name == path {
			return io.ReadAll(io.LimitReader(archive, most))
		}
	}
}

// land writes the file by a rename: whoever finds it finds all of it.
func land(data []byte, dir, name string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".fetch-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Join(dir, name))
}
