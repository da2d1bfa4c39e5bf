package access

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/time/rate"

	"github.com/seed45885407/saccade/functions"
)

// argon is an argon2id hash with its parameters.
type argon struct {
	memory, time uint32 // memory in KiB
	threads      uint8
	salt, sum    []byte
}

// What new hashes cost (OWASP Password Storage Cheat Sheet: m=19456, t=2, p=1),
// and the most that is taken from a configuration: a hash is a promise to spend
// that much on every guess.
const (
	argonMemory, argonTime, argonThreads          = 19 << 10, 2, 1
	maxArgonMemory, maxArgonTime, maxArgonThreads = 64 << 10, 8, 4
)

func hashChosen(secret string) string {
	salt := random(16)
	sum := argon2.IDKey([]byte(secret), salt, argonTime, argonMemory, argonThreads, 32)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// parseArgon reads the PHC string format of argon2id. Its errors show nothing of
// text.
func parseArgon(text string) (*argon, error) {
	parts := strings.Split(text, "$")
	if len(text) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return nil, errHash
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, errors.New("of another version of argon2id than 19")
	}
	var a argon
	if n, err := fmt.Sscanf(parts[3]+"\n", "m=%d,t=%d,p=%d\n", &a.memory, &a.time, &a.threads); n != 3 || err != nil {
		return nil, errHash
	}
	if a.time < 1 || a.time > maxArgonTime || a.threads < 1 || a.threads > maxArgonThreads ||
		a.memory < 8*uint32(a.threads) || a.memory > maxArgonMemory {
		return nil, fmt.Errorf("its cost is out of bounds: m up to %d (KiB), t up to %d, p up to %d", maxArgonMemory, maxArgonTime, maxArgonThreads)
	}
	var err, err2 error
	a.salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	a.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || err2 != nil || len(a.salt) < 8 || len(a.sum) < 16 || len(a.sum) > 64 {
		return nil, errHash
	}
	return &a, nil
}

func (a *argon) is(secret string) bool {
	sum := argon2.IDKey([]byte(secret), a.salt, a.time, a.memory, a.threads, uint32(len(a.sum)))
	return subtle.ConstantTimeCompare(sum, a.sum) == 1
}

// slowSecrets checks secrets whose hash is dear, so that guessing costs the
// gateway next to nothing: one is worked on at a time, a key's guesses are few a
// second, and a secret once seen, right or wrong, is remembered. Who has been let
// in before does not wait behind who guesses.
type slowSecrets struct {
	turn   chan struct{} // holds one for who works
	pepper []byte
	known  *cache[bool]
	now    func() time.Time
}

const (
	maxSlowKnown = 4096
	slowRate     = rate.Limit(1) // guesses a second at one key
	slowBurst    = 5
	slowWait     = 2 * time.Second // the longest wait for a turn
)

func newSlowSecrets(now func() time.Time) *slowSecrets {
	return &slowSecrets{turn: make(chan struct{}, 1), pepper: random(32), known: newCache[bool](maxSlowKnown), now: now}
}

// is says whether secret is what k's hash is of.
func (s *slowSecrets) is(ctx context.Context, k *ringKey, secret string) (bool, error) {
	// A fast digest of a weak secret is kept in memory alone, under a key that is
	// new with every start, and with the hash in it: a changed key is a new one.
	mac := hmac.New(sha256.New, s.pepper)
	mac.Write([]byte(k.Hash + "\x00" + secret))
	digest := digest(mac.Sum(nil))
	if right, seen := s.known.get(digest); seen {
		return right, nil
	}
	if !k.guesses.AllowN(s.now(), 1) {
		return false, &functions.Error{Kind: functions.OverLimit, RetryAfter: time.Second, Detail: "too many different secrets were tried for this key; try again"}
	}
	wait, cancel := context.WithTimeout(ctx, slowWait)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
	case <-wait.Done():
		return false, &functions.Error{
			Kind: functions.Unavailable, RetryAfter: slowWait, Cause: wait.Err(),
			Detail: "the key cannot be checked for now",
		}
	}
	right := k.hash.slow.is(secret)
	<-s.turn
	s.known.put(digest, right)
	return right, nil
}
