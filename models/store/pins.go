package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed45885407/saccade/models/store/address"
)

// LockFileName is the file in the store's folder that holds the pins.
const LockFileName = "models.lock.json"

// pinsVersion is the version of the lock file's form.
const pinsVersion = 1

// pins is the lock file: for each address that no function declares a sum for,
// the sum its file had when it was first used.
type pins struct {
	Version int            `json:"version"`
	Models  map[string]pin `json:"models"`
}

type pin struct {
	SHA256 string    `json:"sha256"`
	Pinned time.Time `json:"pinned"`
}

func (s *Store) pinsPath() string { return filepath.Join(s.root, LockFileName) }

// pinned is the sum that uri is pinned to, or empty.
func (s *Store) pinned(uri string) (string, error) {
	p, err := s.readPins()
	return p.Models[uri].SHA256, err
}

// pin pins uri to sum and says whether it was not pinned before. It is an error
// where uri is pinned to another sum by now.
func (s *Store) pin(ctx context.Context, at address.Address, sum string) (bool, error) {
	unlock, err := s.lock(ctx, "pins", nil)
	if err != nil {
		return false, err
	}
	defer unlock()
	p, err := s.readPins()
	if err != nil {
		return false, err
	}
	switch old := p.Models[at.String()].SHA256; old {
	case sum:
		return false, nil
	case "":
	default:
		return false, s.changed(at, &wrongSum{at.Place(), at.String(), old, sum})
	}
	if p.Models == nil {
		p.Models = map[string]pin{}
	}
	p.Version = pinsVersion
	p.Models[at.String()] = pin{sum, s.now().UTC().Truncate(time.Second)}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // addresses have ampersands, and people read this file
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return false, cannotWrite(err)
	}
	// Addresses may carry a signature in their query: nobody else's to read.
	if err := writeAtomic(s.pinsPath(), text.Bytes(), 0o600); err != nil {
		return false, cannotWrite(err)
	}
	return true, nil
}

// readPins reads the lock file. A damaged one is an error: to start it anew would
// accept any file at every address.
func (s *Store) readPins() (pins, error) {
	var p pins
	text, err := os.ReadFile(s.pinsPath())
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && p.Version != pinsVersion {
		err = fmt.Errorf("it is of version %d, and this program reads version %d", p.Version, pinsVersion)
	}
	for uri, m := range p.Models {
		if err == nil && !sumPattern.MatchString(m.SHA256) {
			err = fmt.Errorf("%s has %q where a SHA-256 belongs", uri, m.SHA256)
		}
	}
	if err != nil {
		return pins{}, unavailable(
			fmt.Errorf("reading the lock file %s: %w: mend it, or remove it to pin every model anew", s.pinsPath(), err),
			"the model store's lock file cannot be read")
	}
	return p, nil
}

// changed is the error of a file that is not the one pinned, with the way out.
func (s *Store) changed(at address.Address, w *wrongSum) error {
	return unavailable(fmt.Errorf(
		"%s was pinned to SHA-256 %s on first use, and what is there now has %s: "+
			"to accept the new file, remove the address from %s, or give the sum as spec.model.sha256",
		at, w.want, w.got, s.pinsPath()),
		"the model at %s has changed since it was pinned on first use", at.Place())
}

// undeclared is the error of a file that is not the one its function declares.
func undeclared(at address.Address, w *wrongSum) error {
	return unavailable(w, "the model at %s is not the file its function declares: its SHA-256 is another", at.Place())
}
