// Package folder is the source of pictures that are put into a folder, by a camera's
// FTP upload for one.
//
// It receives whatever regular file lies in the folder or comes to it, once it is
// complete, and hands on an event for each: of a picture one that asks about it, of a
// CloudEvent in JSON the event itself. A file that was taken is deleted, moved or
// remembered. It refuses what is neither, what is too large, and every way out of the
// folder; such a file goes to the folder of failures, with the reason beside it.
//
// The folder is watched where its file system tells of changes, and looked through
// every now and then in any case, since network shares do not.
package folder

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/sources/intake"
)

// What becomes of a file that was taken.
const (
	DoneDelete = "delete"
	DoneMove   = "move"
	DoneKeep   = "keep"
)

// Names inside the folder that are the source's own.
const (
	doneFolder   = "done"
	failedFolder = "failed"
	stateFile    = ".saccade-taken"
)

// Defaults, documented at the fields they fill.
const (
	DefaultSettle = time.Second
	DefaultPoll   = 10 * time.Second
)

// Options are a source that is a folder. The pattern of a route is that of path.Match,
// of the file's path inside the folder, with slashes.
type Options struct {
	intake.Options `yaml:",inline"`
	// Path is the folder, which must exist. Required.
	Path string `yaml:"path"`
	// Done says what becomes of a file that was taken: delete, move (default) to the
	// folder done inside Path, or keep, with its name, size and time remembered in the
	// file State. With keep nothing is written into Path but that file.
	Done string `yaml:"done"`
	// State is where keep remembers. Default: .saccade-taken inside Path.
	State string `yaml:"state"`
	// Recursive looks into folders inside the folder too. Default: it does not.
	Recursive bool `yaml:"recursive"`
	// Renamed says that files come by being renamed into the folder, so that one is
	// complete as soon as it is seen. Default: a file is complete once its size and time
	// have been the same for Settle.
	Renamed bool `yaml:"renamed"`
	// Settle is how long a file must not change. Default 1s.
	Settle functions.Duration `yaml:"settle"`
	// Poll is how often the folder is looked through without a cause. Default 10s.
	Poll functions.Duration `yaml:"poll"`
}

// WithDefaults returns o with every field that is zero set to its default.
func (o Options) WithDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.Done == "" {
		o.Done = DoneMove
	}
	if o.Done == DoneKeep && o.State == "" {
		o.State = filepath.Join(o.Path, stateFile)
	}
	if o.Settle == 0 {
		o.Settle = functions.Duration(DefaultSettle)
	}
	if o.Poll == 0 {
		o.Poll = functions.Duration(DefaultPoll)
	}
	return o
}

// Check finds all that is wrong but with the folder itself.
func (o Options) Check() error {
	faults := []error{o.Options.Check(func(pattern string) error {
		if pattern == "" {
			return errors.New("an empty pattern matches no file")
		}
		_, err := path.Match(pattern, "")
		return err
	})}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.Path == "" {
		fault("path: required")
	}
	if o.Done != "" && o.Done != DoneDelete && o.Done != DoneMove && o.Done != DoneKeep {
		fault("done: %q is not delete, move or keep", o.Done)
	}
	if o.State != "" && o.Done != DoneKeep {
		fault("state: of use with done: keep alone")
	}
	if o.Renamed && o.Settle != 0 {
		fault("settle: of no use where files are renamed into the folder")
	}
	if o.Settle < 0 || o.Poll < 0 {
		fault("settle and poll: not negative")
	}
	return errors.Join(faults...)
}

// Source reads a folder.
type Source struct {
	options Options
	hooks   intake.Hooks
}

// New makes a source of options that have been checked.
func New(o Options, hooks intake.Hooks) (*Source, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return &Source{options: o.WithDefaults(), hooks: hooks}, nil
}

// Run reads until ctx ends, and returns nil then. While the folder is gone it waits
// for it to come back; an error means that it was not there to begin with, or that
// what was taken cannot be remembered.
func (s *Source) Run(ctx context.Context, take intake.Take) error {
	r, err := s.open(take)
	if err != nil {
		return err
	}
	defer r.close()
	return r.run(ctx)
}

// route is the function of a file, "" for none.
func (o Options) route(name string) string {
	for _, route := range o.Routes {
		if ok, err := path.Match(route.Match, name); ok && err == nil {
			return route.Function
		}
	}
	return ""
}

// isOurs tells names that are the source's own, and those that begin with a dot, which
// uploads use for what is not complete.
func isOurs(name string) bool {
	return strings.HasPrefix(path.Base(name), ".") || name == doneFolder || name == failedFolder
}
