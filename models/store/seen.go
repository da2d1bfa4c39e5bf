package store

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// maxSeen bounds the memory of local files; beyond it we start over.
const maxSeen = 1000

// settled is how old a change must be for a file's times to tell it from the
// next one: file systems count time in coarse steps.
const settled = 2 * time.Second

// identify names the content of a file on disk by its device, inode, size, and
// times of change, as git's index does: a file that is written to gets another
// name. It is empty for a file that is in no file system (an embedded one) or was
// changed just now.
func (s *Store) identify(file fs.File) string {
	onDisk, ok := file.(*os.File)
	if !ok {
		return ""
	}
	var st unix.Stat_t
	if unix.Fstat(int(onDisk.Fd()), &st) != nil {
		return ""
	}
	changed := time.Unix(st.Ctim.Unix())
	if age := s.now().Sub(changed); age < settled {
		return ""
	}
	return fmt.Sprintf("%d:%d:%d:%d:%d", st.Dev, st.Ino, st.Size, st.Mtim.Nano(), changed.UnixNano())
}

func (s *Store) seenPath() string { return filepath.Join(s.root, "seen.json") }

// seen are the sums of local files by identity. It is no more than a memory: one
// that is away or damaged is empty, and what it says is checked when the file is
// copied.
func (s *Store) seen() map[string]string {
	sums := map[string]string{}
	text, err := os.ReadFile(s.seenPath())
	if err != nil || json.Unmarshal(text, &sums) != nil {
		return nil
	}
	return sums
}

// remember adds to seen. Of two processes that do so at once one is forgotten,
// and sums its file again next time.
func (s *Store) remember(id, sum string) {
	sums := s.seen()
	if sums == nil || len(sums) >= maxSeen {
		sums = map[string]string{}
	}
	sums[id] = sum
	if text, err := json.Marshal(sums); err == nil {
		_ = writeAtomic(s.seenPath(), text, 0o644)
	}
}
