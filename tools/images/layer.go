package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// item is one file or folder of an image, owned by root.
type item struct {
	// path is where it lies in the image, from the root and without a slash before.
	path string
	// mode are the permissions, in tar's bits (01777 has the sticky one).
	mode int64
	// folder says that it is one; else it holds data or, where from is not empty, what
	// that file of this machine holds.
	folder bool
	data   []byte
	from   string
}

func file(path, text string) item    { return item{path: path, mode: 0o644, data: []byte(text)} }
func copied(path, from string) item  { return item{path: path, mode: 0o644, from: from} }
func program(path, from string) item { return item{path: path, mode: 0o755, from: from} }

// part is a layer to be: parts that change seldom come first, so that a new version
// shares them with the last one, on disk and on the wire.
type part struct {
	title string
	items []item
	// packed is the layer, where the images for several platforms have the same.
	packed v1.Layer
}

// layer packs the part. Whoever packs the same items gets the same bytes: they are
// sorted, with the folders above them, and all have one time.
func (p part) layer(when time.Time) (v1.Layer, error) {
	if p.packed != nil {
		return p.packed, nil
	}
	items, err := withFolders(p.items)
	if err != nil {
		return nil, fmt.Errorf("layer %q: %w", p.title, err)
	}
	opener := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		// It ends when all is read, or when the reader is closed before.
		go func() { writer.CloseWithError(pack(writer, items, when)) }()
		return reader, nil
	}
	layer, err := tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("layer %q: %w", p.title, err)
	}
	return layer, nil
}

// withFolders are the items and the folders that they lie in, sorted.
func withFolders(items []item) ([]item, error) {
	all := map[string]item{}
	for _, i := range items {
		if i.path == "" || path.IsAbs(i.path) || path.Clean(i.path) != i.path || strings.HasPrefix(i.path, "..") {
			return nil, fmt.Errorf("%q is no path in an image", i.path)
		}
		if _, twice := all[i.path]; twice {
			return nil, fmt.Errorf("%s comes twice", i.path)
		}
		all[i.path] = i
	}
	for _, i := range items {
		for dir := path.Dir(i.path); dir != "."; dir = path.Dir(dir) {
			if above, there := all[dir]; !there {
				all[dir] = item{path: dir, mode: 0o755, folder: true}
			} else if !above.folder {
				return nil, fmt.Errorf("%s is a file, and %s lies in it", dir, i.path)
			}
		}
	}
	sorted := make([]item, 0, len(all))
	for _, i := range all {
		sorted = append(sorted, i)
	}
	slices.SortFunc(sorted, func(a, b item) int { return cmp.Compare(a.path, b.path) })
	return sorted, nil
}

func pack(w io.Writer, items []item, when time.Time) error {
	archive := tar.NewWriter(w)
	for _, i := range items {
		if err := i.pack(archive, when); err != nil {
			return fmt.Errorf("packing %s: %w", i.path, err)
		}
	}
	return archive.Close()
}

func (i item) pack(archive *tar.Writer, when time.Time) (err error) {
	// No names of users: the numbers are what counts in a container.
	header := &tar.Header{Name: i.path, Mode: i.mode, ModTime: when, Format: tar.FormatPAX}
	if i.folder {
		header.Typeflag, header.Name = tar.TypeDir, i.path+"/"
		return archive.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, int64(len(i.data))
	var content io.Reader = bytes.NewReader(i.data)
	if i.from != "" {
		file, err := os.Open(i.from)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		header.Size, content = info.Size(), file
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}
