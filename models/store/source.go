package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// Source is a place models come from. Its errors are of kind Unavailable; one
// that another try may cure is marked as [temporary].
type Source interface {
	// Open returns what is at uri from the byte offset on, which is 0 where mark is
	// empty. A source that cannot start there, or where mark no longer stands for
	// the content, starts at 0 and says so. It stops when ctx ends.
	Open(ctx context.Context, uri string, offset int64, mark string) (*Blob, error)
}

// Blob is a model on its way.
type Blob struct {
	Body io.ReadCloser
	// Offset is where Body starts in the file.
	Offset int64
	// Size is that of the whole file in bytes, or -1 where it is unknown.
	Size int64
	// Mark stands for this content and no other: bytes of the same mark belong
	// together. Empty: the source has no such thing, and a download starts over.
	Mark string
}

// temporary marks an error that another try may cure.
type temporary struct{ error }

func (t temporary) Unwrap() error { return t.error }

// folderSource has the models of one folder, by path.
type folderSource struct{ fsys fs.FS }

// Open opens a regular file; a pipe or a device could keep us for ever. A copy
// that was cut off starts over, for it costs little.
func (f folderSource) Open(_ context.Context, name string, _ int64, _ string) (*Blob, error) {
	file, info, err := f.open(name)
	if err != nil {
		return nil, err
	}
	return &Blob{Body: file, Size: info.Size()}, nil
}

func (f folderSource) open(name string) (fs.File, fs.FileInfo, error) {
	info, err := fs.Stat(f.fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is no regular file", name)
	}
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, nil, unreadable(name, err)
	}
	if info, err = file.Stat(); err != nil {
		return nil, nil, unreadable(name, errors.Join(err, file.Close()))
	}
	return file, info, nil
}

func unreadable(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return unavailable(err, "there is no model file %s", path.Base(name))
	}
	return unavailable(err, "the model file %s cannot be read", path.Base(name))
}
