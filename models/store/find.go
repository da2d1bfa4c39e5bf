package store

import (
	"errors"
	"fmt"

	"github.com/seed45885407/saccade/models/store/address"
)

// Find returns the model that req asks for where it is in the store already. It asks
// nobody, takes no lock and needs no more than to read the store's folder, so that it
// works where the store is mounted read-only. A path in a folder, and a file: address,
// is found by its sum alone.
//
// Errors are of kind Unavailable.
func (s *Store) Find(req Request) (Model, error) {
	at, err := address.Parse(req.URI)
	if err != nil {
		return Model{}, unavailable(fmt.Errorf("model address %q: %w", req.URI, err), "the model's address is not valid")
	}
	want := req.SHA256
	if want == "" && at.Scheme != "" {
		if want, err = s.pinned(at.String()); err != nil {
			return Model{}, err
		}
	}
	if !sumPattern.MatchString(want) {
		return Model{}, missing(at, fmt.Errorf("no sum is declared, and %s has none pinned in %s", at, s.root))
	}
	if m, ok := s.kept(want); ok {
		return m, nil
	}
	return Model{}, missing(at, fmt.Errorf("%s has no model of SHA-256 %s", s.root, want))
}

func missing(at address.Address, cause error) error {
	return unavailable(cause, "the model %s is not in the model store, and here it is not fetched", at.Place())
}

// Temporary says that another Pull may succeed where this one failed: the far side
// was away, slow or broke off.
func Temporary(err error) bool {
	_, ok := errors.AsType[temporary](err)
	return ok
}
