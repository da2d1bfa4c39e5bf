package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed45885407/saccade/models/store/address"
)

// mirror is where models of far addresses are looked for first, by the last part
// of their path. At most one of its fields is set.
type mirror struct {
	folder string
	url    *url.URL
}

// errNoMirror says that there is none to ask.
var errNoMirror = errors.New("no mirror")

func parseMirror(text string) (mirror, error) {
	if text == "" {
		return mirror{}, nil
	}
	if !strings.Contains(text, "://") {
		folder, err := filepath.Abs(text)
		return mirror{folder: folder}, err
	}
	at, err := address.Parse(text)
	if err != nil {
		return mirror{}, fmt.Errorf("mirror %q %w", text, err)
	}
	return mirror{folder: filepath.FromSlash(at.Path), url: at.URL}, nil
}

// fromMirror gets the model of the far address at from the mirror. Whatever is
// wrong there, a sum that is not want included, is no more than a reason to ask
// the address itself.
func (s *Store) fromMirror(ctx context.Context, at address.Address, want string, m *meter) (Model, error) {
	name := at.Base()
	if name == "" || name == "." || name == ".." {
		return Model{}, errNoMirror
	}
	switch {
	case s.mirror.folder != "":
		return s.fromMirrorFolder(ctx, at, name, want, m)
	case s.mirror.url != nil:
		u := s.mirror.url.JoinPath(url.PathEscape(name))
		return s.get(ctx, origin{
			source: s.http, uri: u.String(), shown: u.Redacted(), place: u.Host,
			key: keyOf(at.String() + " " + u.String()),
		}, want, m)
	}
	return Model{}, errNoMirror
}

func (s *Store) fromMirrorFolder(ctx context.Context, at address.Address, name, want string, m *meter) (Model, error) {
	source := folderSource{os.DirFS(s.mirror.folder)}
	sum, err := s.sumOf(ctx, source, name)
	if err != nil {
		return Model{}, err
	}
	shown := filepath.Join(s.mirror.folder, name)
	if want != "" && sum != want {
		return Model{}, &wrongSum{name, shown, want, sum}
	}
	if model, ok := s.kept(sum); ok {
		return model, nil
	}
	return s.get(ctx, origin{
		source: source, uri: name, shown: shown, place: "the mirror", key: keyOf(at.String() + " " + shown),
	}, sum, m)
}

// mirrored is an origin's error that tells the mirror's too. What a caller may
// read is the origin's alone.
type mirrored struct{ origin, mirror error }

// Error is the text for the log.
func (m *mirrored) Error() string {
	return fmt.Sprintf("%v (the mirror was asked before: %v)", m.origin, m.mirror)
}

// Unwrap returns the origin's error.
func (m *mirrored) Unwrap() error { return m.origin }
