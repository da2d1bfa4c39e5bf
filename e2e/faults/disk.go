package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// diskBytes is the size of the disk that fills.
const diskBytes = 64 << 20

// errNoDisk says that a disk cannot be made here.
var errNoDisk = errors.New("only root can mount a small disk")

// smallDisk puts the store on a disk of its own, of which the gateway is to leave
// minFree bytes.
func smallDisk(minFree int64) func(*stand) ([]string, error) {
	return func(s *stand) ([]string, error) {
		if os.Geteuid() != 0 {
			return nil, errNoDisk
		}
		at := filepath.Join(s.dir, "disk")
		if err := os.MkdirAll(at, 0o700); err != nil {
			return nil, err
		}
		if err := syscall.Mount("tmpfs", at, "tmpfs", 0, fmt.Sprintf("size=%d", diskBytes)); err != nil {
			return nil, fmt.Errorf("mounting a small disk: %w", err)
		}
		s.closers = append(s.closers, func() { _ = syscall.Unmount(at, syscall.MNT_DETACH) })
		return []string{
			"dir: " + filepath.Join(at, "jobs"), fmt.Sprintf("minFree: %d", minFree),
			// Long pictures go beside the stream, as they do on a disk that has room for more.
			"maxInline: 65536",
		}, nil
	}
}

// fillDisk leaves the store no byte, and frees the disk again.
func fillDisk(ctx context.Context, s *stand) error {
	ballast := filepath.Join(s.dir, "disk", "ballast")
	times := 0
	for pause(ctx, s.every); ctx.Err() == nil; pause(ctx, s.every) {
		if err := fill(ballast); err != nil {
			return err
		}
		times++
		pause(ctx, s.every)
		if err := os.Remove(ballast); err != nil {
			return err
		}
		s.fault()
	}
	s.note("the disk was full %d times", times)
	return nil
}

// fill writes a file until the disk takes no more.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		switch _, err := file.Write(bytes.Repeat([]byte{1}, size)); {
		case errors.Is(err, syscall.ENOSPC):
			size /= 16 // the last bytes too
		case err != nil:
			return fmt.Errorf("filling the disk: %w", err)
		}
	}
	return nil
}
