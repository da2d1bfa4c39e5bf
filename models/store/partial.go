package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// partial is a download on disk. Its bytes are written as they come, so that
// they are there after whatever ends us.
type partial struct {
	path    string
	file    *os.File
	sum     hash.Hash
	size    int64
	mark    mark
	resumed bool // some of it was there before this process, or before this try
}

// mark says what the bytes of a partial belong to.
type mark struct {
	// Mark is the source's, see Blob.
	Mark string `json:"mark"`
	// Size is that of the whole file, or -1.
	Size int64 `json:"size"`
	// Boot is the boot of the machine they were written in. A file that was not
	// synced when the power went may hold zeros where bytes are counted.
	Boot string `json:"boot"`
}

// bootID is empty where the system has none to tell.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

func markPath(path string) string { return strings.TrimSuffix(path, ".part") + ".json" }

// readMark reads what was left by another; what cannot be read stands for nothing.
func readMark(path string) mark {
	m := mark{Size: -1}
	text, err := os.ReadFile(markPath(path))
	if err != nil || json.Unmarshal(text, &m) != nil {
		return mark{Size: -1}
	}
	return m
}

// openPartial opens the partial at path with what it holds already, if that can
// be continued. Its caller holds the lock.
func openPartial(path string) (*partial, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &partial{path: path, file: file, sum: sha256.New(), mark: readMark(path)}
	if p.mark.Mark == "" || p.mark.Boot != bootID() {
		return p, p.closeOn(p.restart(mark{Size: -1}))
	}
	p.size, err = io.Copy(p.sum, file)
	p.resumed = p.size > 0
	return p, p.closeOn(err)
}

func (p *partial) closeOn(err error) error {
	if err != nil {
		_ = p.file.Close()
	}
	return err
}

// restart empties p and writes down what its bytes will belong to, in this order:
// no byte ever stands under a mark that is not its own.
func (p *partial) restart(m mark) error {
	p.size, p.resumed = 0, false
	p.sum.Reset()
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	m.Boot = bootID()
	p.mark = m
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeAtomic(markPath(p.path), text, 0o644)
}

// complete says that every byte is there, which only a known size can tell.
func (p *partial) complete() bool { return p.size > 0 && p.mark.Size == p.size }

// Write appends.
func (p *partial) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

func (p *partial) hex() string { return hex.EncodeToString(p.sum.Sum(nil)) }

// discard removes all of p from the disk.
func (p *partial) discard() error {
	return errors.Join(p.file.Close(), os.Remove(p.path), removeIfThere(markPath(p.path)))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeAtomic puts a file in place whole, or not at all, and has it on the disk
// when it returns.
func writeAtomic(path string, content []byte, mode fs.FileMode) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name()) // is gone already where all went well
	_, err = draft.Write(content)
	if err = errors.Join(err, draft.Chmod(mode), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
