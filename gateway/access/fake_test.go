package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

const loopback = "127.0.0.1:8080"

// clock is a clock that tests set.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// open makes an Access for a test, with its clock.
func open(t testing.TB, o Options, listen string) (*Access, *clock) {
	t.Helper()
	c := &clock{}
	a, err := newAccess(o, listen, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, c
}

// request is a GET with header fields, "Name: value" each.
func request(fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/v1/functions", nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// refused fails the test unless err is of that kind and says so much.
func refused(t *testing.T, err error, kind functions.Kind, word string) {
	t.Helper()
	e, ok := err.(*functions.Error)
	if !ok || e.Kind != kind || !strings.Contains(e.Detail, word) {
		t.Errorf("error %v; want one of the kind %s that says %q", err, kind, word)
	}
}

// newKey makes a key or fails the test.
func newKey(t testing.TB, name string, g Grant) (Key, string) {
	t.Helper()
	key, text, err := NewKey(name, g)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

// put writes a file as a whole.
func put(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// same compares callers.
func same(t *testing.T, got, want Caller) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

// reports collects what is reported.
type reports struct {
	mu   sync.Mutex
	errs []string
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err.Error())
}

func (r *reports) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.errs...)
}

// The keys of the tests' issuers, made once: RSA is slow to make.
var (
	rsaOne   = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaTwo   = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecdsaOne = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edOne    = sync.OnceValue(func() crypto.Signer { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fakeIssuer is an OpenID Connect issuer: discovery and keys.
type fakeIssuer struct {
	*httptest.Server
	asked atomic.Int64 // for keys

	mu     sync.Mutex
	keys   []any                                         // as in the JWKS
	answer func(w http.ResponseWriter, path string) bool // instead; false: as usual
}

func newFakeIssuer(t testing.TB, keys ...any) *fakeIssuer {
	t.Helper()
	f := &fakeIssuer{keys: keys}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/keys" {
		f.asked.Add(1)
	}
	f.mu.Lock()
	keys, answer := f.keys, f.answer
	f.mu.Unlock()
	if answer != nil && answer(w, r.URL.Path) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, f.URL, f.URL+"/keys")
	case "/keys":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	default:
		http.NotFound(w, r)
	}
}

// rotate lists other keys from now on.
func (f *fakeIssuer) rotate(keys ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = keys
}

// answers sets what is answered instead; nil is as usual.
func (f *fakeIssuer) answers(answer func(w http.ResponseWriter, path string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// down answers every question with 500.
func down(w http.ResponseWriter, _ string) bool {
	http.Error(w, "down", http.StatusInternalServerError)
	return true
}

// public is a key as an issuer lists it.
func public(kid string, key crypto.Signer) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"}
}

// claims of a token that is good, with changes; a nil value takes a claim away.
func (f *fakeIssuer) claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": f.URL, "sub": "system:serviceaccount:cameras:gate", "aud": []string{"other", "saccade"},
		"exp": time.Now().Add(time.Hour).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign makes a token.
func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, header, claims map[string]any) string {
	t.Helper()
	opts := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{}}
	for name, value := range header {
		opts.ExtraHeaders[jose.HeaderKey(name)] = value
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(must(json.Marshal(claims)))
	if err != nil {
		t.Fatal(err)
	}
	return must(jws.CompactSerialize())
}

// kid is the header of a token that names its key.
func kid(id string) map[string]any { return map[string]any{"kid": id} }

// quiet is a log that nobody reads.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
