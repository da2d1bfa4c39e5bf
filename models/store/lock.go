package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a lock held by another process is tried: the kernel has
// no wait that a context can end.
const lockPoll = 50 * time.Millisecond

// lock takes the lock of key among all processes, and returns its release. The
// kernel frees it too when its holder dies. While another holds it, m shows how
// far that one is. Lock files are never removed: one that waits for a removed
// file would hold a lock nobody else sees.
func (s *Store) lock(ctx context.Context, key string, m *meter) (release func(), err error) {
	file, err := os.OpenFile(filepath.Join(s.root, "partial", key+".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, unavailable(fmt.Errorf("locking model: %w", err), "the model store cannot be written")
	}
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // closing frees it
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = file.Close()
			return nil, unavailable(fmt.Errorf("locking model: %w", err), "the model store cannot be locked")
		}
		if m != nil {
			s.watch(key, m)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// watch shows the progress of another process by what lies in the folder.
func (s *Store) watch(key string, m *meter) {
	info, err := os.Stat(s.partial(key))
	if err != nil {
		return
	}
	m.set(info.Size(), readMark(s.partial(key)).Size)
}

func (s *Store) partial(key string) string { return filepath.Join(s.root, "partial", key+".part") }
