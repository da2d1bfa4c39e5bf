package access

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed45885407/saccade/functions"
)

// How the issuer's server is spared, and how long it may take.
const (
	defaultRefresh = 15 * time.Minute
	defaultStale   = 24 * time.Hour
	// askAgain is the least time between two fetches for tokens with unknown keys,
	// which any stranger can make up.
	askAgain = 10 * time.Second
	// After failures the next fetch waits this long, twice as long each time.
	leastBackoff, mostBackoff = time.Second, 30 * time.Second
	// fetchTime is for one fetch: discovery and keys.
	fetchTime = 5 * time.Second
)

// keyGeneration is the keys of one fetch, or of several with the same answer. A
// token that was found genuine by one is looked at again under another.
type keyGeneration struct{ keys []jose.JSONWebKey }

// keySet is an issuer's public keys. It fetches them when they are first needed,
// again behind the requests when they get old, and when a token is signed with a
// key that it does not know; never more than one fetch at a time, and seldom.
// Keys that were fetched go on working while the issuer is down, until stale.
type keySet struct {
	fetch  func(context.Context) ([]jose.JSONWebKey, error)
	opts   Issuer
	now    func() time.Time
	report func(error)
	ctx    context.Context // of fetches, which outlive the request that began them
	group  *sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	keys     *keyGeneration // nil until they have been fetched
	fetched  time.Time      // when keys was last the issuer's answer
	next     time.Time      // the earliest next fetch
	failures int            // in a row
	running  chan struct{}  // closes when the fetch that is under way has ended
}

func newKeySet(ctx context.Context, o Issuer, group *sync.WaitGroup, now func() time.Time, report func(error)) *keySet {
	if o.Refresh == 0 {
		o.Refresh = defaultRefresh
	}
	if o.Stale == 0 {
		o.Stale = defaultStale
	}
	source := &keySource{opts: o}
	return &keySet{fetch: source.fetch, opts: o, now: now, report: report, ctx: ctx, group: group}
}

// close keeps new fetches from starting.
func (s *keySet) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// current returns the keys there are, nil for none, and has them fetched anew
// behind the request where they are old.
func (s *keySet) current() *keyGeneration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		return nil
	}
	age := s.now().Sub(s.fetched)
	if age >= s.opts.Refresh {
		s.start()
	}
	if age >= s.opts.Stale {
		return nil
	}
	return s.keys
}

// verify returns what was signed, and the keys by which it is genuine. Its error
// is a functions.Error of the Kind Unavailable where the key may be one that the
// issuer could not be asked for.
func (s *keySet) verify(ctx context.Context, jws *jose.JSONWebSignature) ([]byte, *keyGeneration, error) {
	keys := s.current()
	payload, err := keys.verify(jws)
	if err == nil {
		return payload, keys, nil
	}
	fresh, outage := s.renew(ctx)
	if fresh != keys && fresh != nil {
		if payload, err = fresh.verify(jws); err == nil {
			return payload, fresh, nil
		}
	}
	// Where the issuer could not be asked, an unknown key may be a new one of its;
	// a known one with another signature is no token of its in any case.
	if outage != nil && errors.Is(err, errUnknownKey) {
		return nil, nil, outage
	}
	return nil, nil, err
}

// renew asks the issuer for its keys, or waits for who is asking already. Where it
// is too soon to ask again, it returns what there is: without an error if that is
// the issuer's last answer, with one if the issuer did not give any.
func (s *keySet) renew(ctx context.Context) (*keyGeneration, error) {
	s.mu.Lock()
	running := s.start()
	s.mu.Unlock()
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return nil, s.outage(time.Second).Because(ctx.Err())
		}
	}
	keys := s.current()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures > 0 || keys == nil {
		return keys, s.outage(max(time.Second, s.next.Sub(s.now())))
	}
	return keys, nil
}

func (s *keySet) outage(retry time.Duration) *functions.Error {
	return &functions.Error{
		Kind: functions.Unavailable, RetryAfter: retry,
		Detail: "the token cannot be checked for now: its issuer does not answer",
	}
}

// start begins a fetch where none is under way and it is time for one. It returns
// what closes at the end of the fetch that runs, or nil. s.mu is held.
func (s *keySet) start() chan struct{} {
	if s.running != nil || s.closed || s.now().Before(s.next) {
		return s.running
	}
	s.running = make(chan struct{})
	s.group.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, fetchTime)
		defer cancel()
		keys, err := s.fetch(ctx)
		s.settle(keys, err)
	})
	return s.running
}

// settle takes in the outcome of a fetch.
func (s *keySet) settle(keys []jose.JSONWebKey, err error) {
	s.mu.Lock()
	now := s.now()
	if err != nil {
		s.failures = min(s.failures+1, 10)
		s.next = now.Add(min(leastBackoff<<(s.failures-1), mostBackoff))
	} else {
		s.failures, s.fetched, s.next = 0, now, now.Add(askAgain)
		if s.keys == nil || !reflect.DeepEqual(s.keys.keys, keys) {
			s.keys = &keyGeneration{keys}
		}
	}
	close(s.running)
	s.running = nil
	closed := s.closed
	s.mu.Unlock()
	if err != nil && !closed {
		s.report(fmt.Errorf("fetching the keys of the issuer %s: %w", s.opts.URL, err))
	}
}

var errUnknownKey = errors.New("signed with a key that the issuer does not list")

// verify returns what was signed. A token that names its key must be by that key;
// one that does not may be by any. Keys that come in the token itself (jwk, x5c,
// jku) count for nothing.
func (g *keyGeneration) verify(jws *jose.JSONWebSignature) ([]byte, error) {
	if g == nil {
		return nil, errUnknownKey
	}
	header := jws.Signatures[0].Header
	err := errUnknownKey
	for i := range g.keys {
		key := &g.keys[i]
		if header.KeyID != "" && key.KeyID != header.KeyID {
			continue
		}
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue // the key is for another algorithm (RFC 8725, 3.1)
		}
		payload, wrong := jws.Verify(key.Key)
		if wrong == nil {
			return payload, nil
		}
		if header.KeyID != "" {
			err = wrong
		}
	}
	return nil, err
}
