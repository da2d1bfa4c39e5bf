// Package catalog knows which functions there are: the shipped ones and those in
// the folders a team names.
//
// It receives folders, each holding one folder a function with a function.yaml
// in it, and hands on a complete and checked [functions.Function] for each. It
// refuses a function.yaml that says anything unknown or impossible, naming file,
// line and field, and it never fetches or opens a model: that is the model
// store's work.
package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store/address"
)

// FileName is what a function's declaration is called.
const FileName = "function.yaml"

// Entry is one function that can be served.
type Entry struct {
	// Function is complete: defaults are applied and Labels hold the content of
	// LabelsFile where that was given.
	Function functions.Function
	// Folder is where the function's relative paths resolve.
	Folder fs.FS
	// Path is the function.yaml as messages name it; a shipped one's starts with
	// "shipped:".
	Path string
	// Digest is a hex string that changes when function.yaml, its labels file, or
	// the size or time of a model beside it changes.
	Digest string
}

// Broken is a folder that declares a function which cannot be served.
type Broken struct {
	// Name is the folder's name, and so the name the function was to have. It is
	// empty where a whole catalog folder cannot be read.
	Name string
	// Path is the folder as messages name it.
	Path string
	// Err is all that is wrong with it.
	Err error
}

// Error is the text of all that is wrong.
func (b *Broken) Error() string { return b.Err.Error() }

// Unwrap returns Err.
func (b *Broken) Unwrap() error { return b.Err }

// Catalog is an ordered list of catalog folders.
type Catalog struct {
	shelves []shelf
}

// shelf is one catalog folder.
type shelf struct {
	fsys  fs.FS
	shown func(string) string // from a path in fsys to the path in messages
}

// New makes a catalog of the shipped functions (nil: none) and of the functions
// in each of dirs. Where two folders have a function of the same name the later
// one is the function, so that a team can replace a shipped one.
func New(shipped fs.FS, dirs ...string) *Catalog {
	c := &Catalog{}
	if shipped != nil {
		c.shelves = append(c.shelves, shelf{shipped, func(p string) string { return "shipped:" + p }})
	}
	for _, dir := range dirs {
		c.shelves = append(c.shelves, shelf{os.DirFS(dir), func(p string) string {
			return filepath.Join(dir, filepath.FromSlash(p))
		}})
	}
	return c
}

// Load reads every folder as it is now and returns the functions sorted by name,
// and the folders that are broken. A broken folder hides no other function, but
// it keeps its name: a function it was to replace is not served in its stead,
// for that would answer with a model nobody asked for.
//
// It costs a few file reads a function and may be called again at any time; the
// Digest of an Entry says whether it is still the same.
func (c *Catalog) Load() ([]Entry, []*Broken) {
	good := map[string]Entry{}
	bad := map[string]*Broken{}
	var unreadable []*Broken
	for _, s := range c.shelves {
		names, err := s.names()
		if err != nil {
			unreadable = append(unreadable, &Broken{Path: s.shown("."), Err: err})
		}
		for _, name := range names {
			delete(good, name)
			delete(bad, name)
			if e, err := s.entry(name); err != nil {
				bad[name] = &Broken{Name: name, Path: s.shown(name), Err: err}
			} else {
				good[name] = e
			}
		}
	}
	entries := slices.SortedFunc(maps.Values(good), func(a, b Entry) int {
		return cmp.Compare(a.Function.Metadata.Name, b.Function.Metadata.Name)
	})
	broken := slices.SortedFunc(maps.Values(bad), func(a, b *Broken) int { return cmp.Compare(a.Name, b.Name) })
	return entries, append(unreadable, broken...)
}

// names are the folders of s that hold a function.yaml. Folders that hold none,
// hidden ones and plain files are no business of ours.
func (s shelf) names() ([]string, error) {
	list, err := fs.ReadDir(s.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("reading catalog folder: %w", named(err, s.shown(".")))
	}
	var names []string
	for _, entry := range list {
		name := entry.Name()
		if name == FileName {
			err = fmt.Errorf("%s: is a function's own folder: name the folder above it", s.shown("."))
		}
		if strings.HasPrefix(name, ".") {
			continue
		}
		// Stat, not the entry's own type: a mounted ConfigMap is made of symbolic links.
		if _, err := fs.Stat(s.fsys, path.Join(name, FileName)); err == nil {
			names = append(names, name)
		}
	}
	return names, err
}

func (s shelf) entry(name string) (Entry, error) {
	folder, err := fs.Sub(s.fsys, name)
	if err != nil {
		return Entry{}, err
	}
	file := s.shown(path.Join(name, FileName))
	f, content, err := read(folder, file, name)
	if err != nil {
		return Entry{}, err
	}
	whole := complete(f)
	return Entry{
		Function: whole,
		Folder:   folder,
		Path:     file,
		Digest:   digest(whole, folder, content),
	}, nil
}

// complete applies the defaults. The one that needs a quantity read is applied
// here: an instance with a bound on its CPU runs no more at a time than it has
// cores for.
func complete(f functions.Function) functions.Function {
	r := &f.Spec.Runtime
	if cores, err := ParseCPU(f.Spec.Resources.CPU); err == nil && r.Parallel == 0 {
		r.Parallel = max(1, int(cores)/max(1, r.Threads))
	}
	return f.WithDefaults()
}

// digest sums what was read, each part after its length, and the outside of a
// model in the folder: reading it through would cost too much.
func digest(f functions.Function, folder fs.FS, content [][]byte) string {
	sum := sha256.New()
	for _, part := range content {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	if a, err := address.Parse(f.Spec.Model.URI); err == nil && a.Scheme == "" {
		if info, err := fs.Stat(folder, a.Path); err == nil {
			fmt.Fprintf(sum, "%d@%d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// named replaces the path in err, which is relative to a folder the reader does
// not see, by shown.
func named(err error, shown string) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", shown, e.Err)
	}
	return fmt.Errorf("%s: %w", shown, err)
}
