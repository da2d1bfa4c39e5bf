package folder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// taken remembers the files that were taken and lie where they were: a line of JSON for
// each, synced before the next is offered. A line that was being written when the power
// went is no line.
type taken struct {
	name  string
	mu    sync.Mutex
	files map[string]look
	file  *os.File
	// added counts lines since the file was last written anew.
	added int
}

// line is one of the file's.
type line struct {
	// Name is percent-escaped: file names are of any bytes, JSON is not.
	Name string    `json:"name"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
}

// maxLine is more than a line can have: a path is of 4096 bytes at most, which take
// three each.
const maxLine = 32 << 10

// remember reads what was taken before, and writes it anew without what is double.
func remember(name string) (*taken, error) {
	t := &taken{name: name, files: map[string]look{}}
	file, err := os.Open(name)
	switch {
	case err == nil:
		err = t.load(file)
		_ = file.Close()
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err == nil {
		err = t.rewrite()
	}
	t.added = forgetAfter // the next look at the folder tells what has gone
	if err != nil {
		return nil, fmt.Errorf("remembering what was taken: %w", err)
	}
	return t, nil
}

func (t *taken) load(file io.Reader) error {
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		if name, err := url.PathUnescape(l.Name); err == nil {
			t.files[name] = look{l.Size, l.Time}
		}
	}
	return lines.Err()
}

// rewrite writes all lines to a new file that takes the place of the old one at once.
func (t *taken) rewrite() error {
	var text bytes.Buffer
	for name, seen := range t.files {
		text.Write(lineOf(name, seen))
	}
	next, err := os.CreateTemp(filepath.Dir(t.name), ".saccade-taken-*")
	if err != nil {
		return err
	}
	_, err = next.Write(text.Bytes())
	err = errors.Join(err, next.Sync())
	if err == nil {
		err = os.Rename(next.Name(), t.name)
	}
	if err != nil {
		return errors.Join(err, next.Close(), os.Remove(next.Name()))
	}
	if t.file != nil {
		_ = t.file.Close() // it has no name any more
	}
	t.file, t.added = next, 0
	return nil
}

// forgetAfter is after how many files those are looked for that have gone.
const forgetAfter = 4096

// forget drops files that are there no more, now and then. Where none is there the
// folder is more likely not mounted than empty.
func (t *taken) forget(exists func(name string) bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.added < forgetAfter {
		return nil
	}
	left := map[string]look{}
	for name, seen := range t.files {
		if exists(name) {
			left[name] = seen
		}
	}
	if len(left) > 0 {
		t.files = left
	}
	return t.rewrite()
}

func lineOf(name string, seen look) []byte {
	text, err := json.Marshal(line{url.PathEscape(name), seen.size, seen.time.UTC()})
	if err != nil { // a string, a number and a time of this era
		return nil
	}
	return append(text, '\n')
}

// has tells whether a file was taken as it is now.
func (t *taken) has(name string, now look) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen, ok := t.files[name]
	return ok && seen.size == now.size && seen.time.Equal(now.time)
}

// add remembers a file.
func (t *taken) add(name string, seen look) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.file.Write(lineOf(name, seen))
	if err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("remembering what was taken: %w", err)
	}
	t.files[name] = seen
	t.added++
	return nil
}

func (t *taken) close() error { return t.file.Close() }
