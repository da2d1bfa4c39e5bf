// Package store keeps model files by their content: every model is one read-only
// file named by its SHA-256, fetched once however many processes ask for it.
//
// It receives an address, the sum the file must have where that is known, and
// the function's folder, and hands on the path of a complete and checked file.
// It refuses a file with another sum than declared or pinned, one that its check
// does not take for a model, and one beyond its bounds in size and time; a file
// that is refused never lands. What a model means is not its business.
//
//	sha256/<sum>.onnx    the models, read-only
//	sha256/<sum>.json    how large each was when it landed
//	partial/             downloads under way, and a lock for each
//	models.lock.json     the sum each address without one had at first (pins.go)
//	seen.json            the sums of local files, so as not to read them again (seen.go)
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/models/store/address"
)

// Options say how a Store fetches. The zero value works.
type Options struct {
	// Mirror is looked in before the host of an http(s) address, under the last
	// part of its path: a folder, or an http(s) URL that the name is put behind.
	// Empty: none. A mirror's failure is never the last word.
	Mirror string
	// Check is asked whether a complete file is a model that can be served, before
	// it lands. Nil: every file is.
	Check func(path string) error
	// MaxBytes bounds one model. Default 2 GiB.
	MaxBytes int64
	// StallTimeout is how long a source may send nothing. Default 30s.
	StallTimeout time.Duration
	// Backoff is the wait before a download is tried again; it doubles each time
	// nothing was gained. Default 500ms.
	Backoff time.Duration
	// Transport carries HTTP. Default: a plain one that keeps to the proxies in the
	// environment.
	Transport http.RoundTripper
}

// Store is a folder of models. It is safe for any number of goroutines, and any
// number of processes may open the same folder.
type Store struct {
	root    string
	opts    Options
	http    *httpSource
	mirror  mirror
	now     func() time.Time
	mu      sync.Mutex
	flights map[string]*flight
}

// Request asks for a model.
type Request struct {
	// URI is what address.Parse takes.
	URI string
	// SHA256 is the sum the file must have, lower-case hex, or empty.
	SHA256 string
	// Folder is where a relative URI resolves.
	Folder fs.FS
}

// Model is a file in the store.
type Model struct {
	// Path is absolute. The file is read-only and never changes.
	Path string
	// Sum is its SHA-256, lower-case hex.
	Sum string
	// Size is in bytes.
	Size int64
	// Pinned says that this call made Sum the one its address must have from now
	// on. Of several callers that waited for it, one is told.
	Pinned bool
	// From is the address the bytes came from, for the log; empty where the model
	// was in the store already.
	From string
}

// Open opens the store in the folder root, which is made where it is missing.
func Open(root string, opts Options) (*Store, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("opening model store: %w", err)
	}
	for _, dir := range []string{"sha256", "partial"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return nil, fmt.Errorf("opening model store: %w", err)
		}
	}
	orDefault(&opts.MaxBytes, 2<<30)
	orDefault(&opts.StallTimeout, 30*time.Second)
	orDefault(&opts.Backoff, 500*time.Millisecond)
	m, err := parseMirror(opts.Mirror)
	if err != nil {
		return nil, fmt.Errorf("opening model store: %w", err)
	}
	return &Store{
		root: root, opts: opts, mirror: m, http: newHTTPSource(opts.Transport),
		now: time.Now, flights: map[string]*flight{},
	}, nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

var sumPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Pull returns the model that req asks for, fetching it where it is not in the
// store. It calls progress, unless that is nil, from its own goroutine a few
// times a second while it waits, with the bytes there are and the bytes there
// will be (-1: unknown). A caller whose ctx ends leaves; the download goes on as
// long as another caller waits for it.
//
// Errors are of kind Unavailable, with what the caller of a function may read,
// or ctx's own.
func (s *Store) Pull(ctx context.Context, req Request, progress func(done, total int64)) (Model, error) {
	at, err := address.Parse(req.URI)
	if err != nil {
		return Model{}, unavailable(fmt.Errorf("model address %q: %w", req.URI, err), "the model's address is not valid")
	}
	if req.SHA256 != "" && !sumPattern.MatchString(req.SHA256) {
		return Model{}, unavailable(fmt.Errorf("%q is no SHA-256", req.SHA256), "the model's SHA-256 is not valid")
	}
	if req.SHA256 != "" {
		if m, ok := s.kept(req.SHA256); ok {
			return m, nil
		}
	}
	if at.URL == nil {
		return s.pullLocal(ctx, req, at, progress)
	}
	return s.pullFar(ctx, req, at, progress)
}

// pullFar gets a model by http(s). One flight and one lock an address: whoever
// comes second finds the model landed.
func (s *Store) pullFar(ctx context.Context, req Request, at address.Address, progress func(done, total int64)) (Model, error) {
	want, err := s.wanted(req, at)
	if err != nil {
		return Model{}, err
	}
	if want != "" {
		if m, ok := s.kept(want); ok {
			return m, nil
		}
	}
	key := keyOf(at.String())
	return s.share(ctx, key+req.SHA256, progress, func(ctx context.Context, m *meter) (Model, error) {
		unlock, err := s.lock(ctx, key, m)
		if err != nil {
			return Model{}, err
		}
		defer unlock()
		want, err := s.wanted(req, at) // another process may have pinned it meanwhile
		if err != nil {
			return Model{}, err
		}
		if want != "" {
			if model, ok := s.kept(want); ok {
				return model, nil
			}
		}
		model, err := s.fetch(ctx, at, want, m)
		if err != nil {
			return Model{}, s.refusal(req, at, err)
		}
		if req.SHA256 == "" {
			model.Pinned, err = s.pin(ctx, at, model.Sum)
		}
		return model, err
	})
}

// wanted is the sum the file must have: the declared one, else the pinned one,
// else none.
func (s *Store) wanted(req Request, at address.Address) (string, error) {
	if req.SHA256 != "" {
		return req.SHA256, nil
	}
	return s.pinned(at.String())
}

// fetch asks the mirror and then the address itself.
func (s *Store) fetch(ctx context.Context, at address.Address, want string, m *meter) (Model, error) {
	model, mirrorErr := s.fromMirror(ctx, at, want, m)
	if mirrorErr == nil || ctx.Err() != nil {
		return model, mirrorErr
	}
	model, err := s.get(ctx, origin{
		source: s.http, uri: at.URL.String(), shown: at.String(), place: at.Place(), key: keyOf(at.String()),
	}, want, m)
	if err != nil && !errors.Is(mirrorErr, errNoMirror) {
		err = &mirrored{err, mirrorErr}
	}
	return model, err
}

// refusal says of a wrong sum whose wish it did not meet.
func (s *Store) refusal(req Request, at address.Address, err error) error {
	wrong, ok := errors.AsType[*wrongSum](err)
	switch {
	case !ok:
		return err
	case req.SHA256 != "":
		return undeclared(at, wrong)
	}
	return s.changed(at, wrong)
}

func keyOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// unavailable is an error of which the caller reads detail and the log cause too.
func unavailable(cause error, detail string, args ...any) *functions.Error {
	return functions.Errorf(functions.Unavailable, detail, args...).Because(cause)
}
