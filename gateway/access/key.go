package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// An API key reads sk_saccade_ID_SECRET. The prefix lets secret scanners know it,
// the id finds it among the others without comparing secrets.
const (
	keyPrefix = "sk_saccade_"
	// maxIDBytes and maxSecretBytes bound the parts.
	maxIDBytes     = 32
	maxSecretBytes = 256
	// minChosenBytes is the shortest secret that a person may choose.
	minChosenBytes = 12
	// A made key's id has 40 random bits, enough not to meet another one's by chance;
	// its secret 256, too many to be guessed.
	idBytes, secretBytes = 5, 32
)

// letters spell random bytes without case and without what base64 has of signs.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// splitKey takes a key apart; ok is false where it is none. It does not say that
// the key is genuine.
func splitKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok || len(rest) > maxIDBytes+1+maxSecretBytes {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && isKeyID(id) && secret != "" && len(secret) <= maxSecretBytes && isVisible(secret)
}

// NewKey makes a key of that name: what is to be kept of it, and the key itself,
// which is kept nowhere.
func NewKey(name string, g Grant) (key Key, text string, err error) {
	id, secret := letters.EncodeToString(random(idBytes)), letters.EncodeToString(random(secretBytes))
	key = Key{Name: name, ID: id, Hash: hashRandom(secret), Grant: g}
	if f := checkKeys("key", []Key{key}); len(f) > 0 {
		return Key{}, "", errors.Join(f...)
	}
	return key, keyPrefix + id + "_" + secret, nil
}

// HashKey is what is to be kept of a key that is there already, or of a secret
// that a person chose, which becomes a key with a new id.
//
// A secret of 256 random bits is hashed with SHA-256: nobody tries out 2^256, so
// making each try slow gains nothing and would cost every request. What a person
// chose can be guessed offline by who has the hash, so it is hashed with
// argon2id, which makes that dear; see slow.go for what it costs us.
func HashKey(text string) (id, hash string, err error) {
	id, secret, ok := splitKey(text)
	if !ok {
		if strings.HasPrefix(text, keyPrefix) {
			return "", "", errors.New("this begins as a key and is none")
		}
		id, secret = letters.EncodeToString(random(idBytes)), text
	}
	if raw, err := letters.DecodeString(secret); err == nil && len(raw) == secretBytes {
		return id, hashRandom(secret), nil
	}
	if len(secret) < minChosenBytes || len(secret) > maxSecretBytes || !isVisible(secret) {
		return "", "", fmt.Errorf("a secret has %d to %d visible ASCII characters and no space", minChosenBytes, maxSecretBytes)
	}
	return id, hashChosen(secret), nil
}

func hashRandom(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// hash is a parsed Key.Hash: one of the two.
type hash struct {
	sum  [sha256.Size]byte
	slow *argon
}

var errHash = errors.New(`neither "sha256:" with 64 hex digits nor an $argon2id$ string`)

// parseHash reads a Key.Hash. Its errors show nothing of text.
func parseHash(text string) (hash, error) {
	var h hash
	if digits, ok := strings.CutPrefix(text, "sha256:"); ok {
		sum, err := hex.DecodeString(digits)
		if err != nil || len(sum) != len(h.sum) {
			return h, errHash
		}
		copy(h.sum[:], sum)
		return h, nil
	}
	slow, err := parseArgon(text)
	if err != nil {
		return h, err
	}
	h.slow = slow
	return h, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails; the program ends where the system has no randomness
	return b
}
