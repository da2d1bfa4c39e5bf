package folder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/seed45885407/saccade/functions/problem"
)

// problemSuffix is what is added to a file's name for the reason it failed for.
const problemSuffix = ".problem.json"

// putAway does with a file what is to be done once it was taken or refused.
func (r *reader) putAway(name string, f *known) error {
	switch {
	case r.taken != nil:
		return r.taken.add(name, f.look)
	case f.problem != nil:
		return r.fail(name, f)
	case r.options.Done == DoneMove:
		return r.move(name, doneFolder, f, nil)
	}
	if err := r.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a file that was taken: %w", err)
	}
	return nil
}

// fail moves a file to the failures, with why beside it.
func (r *reader) fail(name string, f *known) error {
	told, _ := problem.ForEvents(f.problem)
	text, err := json.MarshalIndent(told, "", "  ")
	if err != nil {
		return fmt.Errorf("writing a problem: %w", err)
	}
	return r.move(name, failedFolder, f, append(text, '\n'))
}

// move takes a file to a folder inside the folder, under its own path there; where one
// of that name lies there already, with its id before it. Nothing is overwritten. Words
// about it are written first: done again, it ends the same.
func (r *reader) move(name, folder string, f *known, about []byte) error {
	to := path.Join(folder, name)
	if err := r.root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	if _, err := r.root.Lstat(to); err == nil {
		to = path.Join(path.Dir(to), id(name, f.look)+"-"+path.Base(name))
	}
	if about != nil {
		if err := r.root.WriteFile(to+problemSuffix, about, 0o644); err != nil {
			return fmt.Errorf("writing a problem: %w", err)
		}
	}
	if err := r.root.Rename(name, to); err != nil {
		if _, gone := r.root.Lstat(name); errors.Is(gone, fs.ErrNotExist) {
			return nil // somebody else has taken it away
		}
		return fmt.Errorf("moving a file: %w", err)
	}
	return nil
}
