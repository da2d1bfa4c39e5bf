package local

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// maxSocketPath is what fits into sockaddr_un on every system we run on.
const maxSocketPath = 103

// workDir is the platform's folder for sockets. Its owner holds a lock on it, so
// that a later platform can tell a folder left behind by a killed one.
type workDir struct {
	path string
	lock *os.File
}

const workDirPattern = "saccade-*"

func newWorkDir() (*workDir, error) {
	parent := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = os.TempDir()
	}
	sweepWorkDirs(parent)
	path, err := os.MkdirTemp(parent, workDirPattern)
	if err != nil {
		return nil, err
	}
	if len(path)+len("/1234567.sock") > maxSocketPath {
		os.Remove(path)
		return nil, fmt.Errorf("%s is too long a path for sockets: set TMPDIR to a shorter one", parent)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	return &workDir{path: path, lock: lock}, nil
}

func (d *workDir) remove() error {
	defer d.lock.Close()
	return os.RemoveAll(d.path)
}

// sweepWorkDirs removes folders of ours whose owner is gone. One made this very
// minute may not be locked yet and is left alone.
func sweepWorkDirs(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, workDirPattern))
	for _, dir := range dirs {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Getuid() {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}
