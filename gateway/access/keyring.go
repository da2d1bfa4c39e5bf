package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/time/rate"

	"github.com/seed45885407/saccade/functions"
)

// maxKeysFile bounds a keys file: some ten thousand keys.
const maxKeysFile = 4 << 20

// keyring is the keys by their ids. It does not change; a new one takes its place.
type keyring struct{ byID map[string]*ringKey }

type ringKey struct {
	Key
	hash    hash
	caller  Caller
	guesses *rate.Limiter // at a secret that a person chose
}

func newKeyring(keys []Key) (*keyring, error) {
	if f := checkKeys("keys", keys); len(f) > 0 {
		return nil, errors.Join(f...)
	}
	ring := &keyring{byID: make(map[string]*ringKey, len(keys))}
	for _, key := range keys {
		h, err := parseHash(key.Hash)
		if err != nil {
			return nil, err
		}
		grant := key.Grant.withDefaults(ScopeDetect, ScopeRead)
		ring.byID[key.ID] = &ringKey{
			Key: key, hash: h, caller: caller(ViaKey, key.Name, grant), guesses: rate.NewLimiter(slowRate, slowBurst),
		}
	}
	return ring, nil
}

// inherit takes over the count of guesses at keys that are the same as before.
func (r *keyring) inherit(before *keyring) {
	for id, k := range r.byID {
		if old := before.byID[id]; old != nil && old.Hash == k.Hash {
			k.guesses = old.guesses
		}
	}
}

// byKey is the caller whose key is shown. The id is no secret, so that finding it
// in a map, in a time that tells whether it is there, gives nothing away; secrets
// are compared in constant time, and as hashes.
func (a *Access) byKey(ctx context.Context, shown credential) (Caller, error) {
	a.refreshKeys()
	k := a.ring.Load().byID[shown.id]
	if k == nil {
		return Caller{}, errKey()
	}
	if k.hash.slow != nil {
		right, err := a.slow.is(ctx, k, shown.secret)
		if err != nil {
			return Caller{}, err
		}
		if !right {
			return Caller{}, errKey()
		}
	} else {
		sum := sha256.Sum256([]byte(shown.secret))
		if subtle.ConstantTimeCompare(sum[:], k.hash.sum[:]) != 1 {
			return Caller{}, errKey()
		}
	}
	if !k.NotAfter.IsZero() && a.now().After(k.NotAfter) {
		return Caller{}, functions.Errorf(functions.Unauthenticated, "the key has ended at %s", k.NotAfter.UTC().Format(time.RFC3339))
	}
	return k.caller, nil
}

// ParseKeys reads a keys file: a YAML list of keys. Unknown fields are refused, so
// that a misspelt restriction is not an absent one.
func ParseKeys(text []byte) ([]Key, error) {
	var keys []Key
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&keys); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading keys: %w", tidy(err))
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading keys: more than one document")
	}
	if f := checkKeys("keys", keys); len(f) > 0 {
		return nil, errors.Join(f...)
	}
	return keys, nil
}

// tidy leaves out of an error of the YAML decoder what it quotes of the text: a
// secret may stand there by mistake.
func tidy(err error) error {
	wrong, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return errors.New("no YAML")
	}
	lines := make([]error, 0, len(wrong.Errors))
	for _, text := range wrong.Errors {
		var line int
		if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
			lines = append(lines, fmt.Errorf("line %d: not a list of keys with the fields that a key has", line))
		}
	}
	return errors.Join(lines...)
}

// keysFile is a keys file that is looked at again as requests come.
type keysFile struct {
	file
	mu sync.Mutex
}

// loadKeys reads the file, where there is one, and makes a ring of all keys.
func (a *Access) loadKeys() (*keyring, error) {
	if a.keys.path == "" {
		return newKeyring(a.opts.Keys)
	}
	text, err := a.keys.read(maxKeysFile, a.now())
	if err != nil {
		return nil, err
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.keys.path, err)
	}
	ring, err := newKeyring(slices.Concat(a.opts.Keys, keys))
	if err != nil {
		return nil, fmt.Errorf("%s, with the keys of the configuration: %w", a.keys.path, err)
	}
	return ring, nil
}

// refreshKeys reads the keys file again where it has changed. One request does;
// those beside it go on with the keys there are. A faulty file changes nothing
// and is reported.
func (a *Access) refreshKeys() {
	if a.keys.path == "" || !a.keys.due(a.now()) || !a.keys.mu.TryLock() {
		return
	}
	defer a.keys.mu.Unlock()
	if !a.keys.changed(a.now()) {
		return
	}
	ring, err := a.loadKeys()
	if err != nil {
		if a.keys.isNews(err) {
			a.opts.Report(fmt.Errorf("the keys stay as they were: %w", err))
		}
		return
	}
	a.keys.isNews(nil)
	ring.inherit(a.ring.Load())
	a.ring.Store(ring)
}
