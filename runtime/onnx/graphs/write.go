package graphs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Write has build make a graph in the file at path, which exists and is empty,
// and keeps it under k as made by the given version. It replaces what was kept.
// Where another process is at the same graph, it leaves that to it and returns
// nil.
//
//  1. A file beside the graph's is locked, so that one process builds at a time.
//     The lock goes with the process, however it ends.
//  2. build fills it. What a crash leaves behind is overwritten by the next.
//  3. The trailer seals it, and it is forced to the disk.
//  4. A rename puts it in the graph's place: others see the old one or all of it.
func (c Cache) Write(k Key, version string, build func(path string) error) (err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("keeping graph: %w", err)
	}
	final := c.path(k)
	building := final + ".building"

	f, err := os.OpenFile(building, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("keeping graph: %w", err)
	}
	defer f.Close()
	if ours, err := lock(f, building); err != nil || !ours {
		return err
	}
	if err := fill(f, building, k, version, build); err != nil {
		return errors.Join(fmt.Errorf("keeping graph: %w", err), os.Remove(building))
	}
	if err := os.Rename(building, final); err != nil {
		return fmt.Errorf("keeping graph: %w", err)
	}
	return syncFolder(c.dir)
}

func fill(f *os.File, path string, k Key, version string, build func(path string) error) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := build(path); err != nil {
		return err
	}
	if ours, err := same(f, path); err != nil || !ours {
		return errors.Join(errors.New("the graph was written to another file"), err)
	}
	if err := seal(f, k, version); err != nil {
		return err
	}
	return f.Sync()
}

// lock is false where another process has the file, or had it and renamed it
// away between our opening and our locking it.
func lock(f *os.File, path string) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, os.NewSyscallError("flock", err)
	}
	ours, err := same(f, path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return ours, err
}

// same says whether path still names f.
func same(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(opened, named), nil
}

// syncFolder makes a rename last.
func syncFolder(dir string) error {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return fmt.Errorf("keeping graph: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // not every file system can
		return fmt.Errorf("keeping graph: %w", err)
	}
	return nil
}
