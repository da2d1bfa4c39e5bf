package access

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestWhatAnIssuerAnswersIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, path string) bool
		word   string
	}{
		{"discovery without end", func(w http.ResponseWriter, path string) bool {
			fmt.Fprint(w, `{"issuer":"`, strings.Repeat("x", maxIssuerBytes), `"}`)
			return true
		}, "bytes"},
		{"keys without end", func(w http.ResponseWriter, path string) bool {
			if path == "/keys" {
				fmt.Fprint(w, `{"keys":[`, strings.Repeat(" ", maxIssuerBytes), `]}`)
			}
			return path == "/keys"
		}, "bytes"},
		{"discovery of another issuer", func(w http.ResponseWriter, path string) bool {
			fmt.Fprint(w, `{"issuer":"https://other.example","jwks_uri":"https://other.example/keys"}`)
			return true
		}, "other.example"},
		{"keys by http beyond loopback", func(w http.ResponseWriter, path string) bool {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://10.0.0.1/keys"}`, "ISSUER")
			return true
		}, "no https"},
		{"no keys", func(w http.ResponseWriter, path string) bool {
			if path == "/keys" {
				fmt.Fprint(w, `{"keys":[]}`)
			}
			return path == "/keys"
		}, "no key"},
		{"no JSON", func(w http.ResponseWriter, path string) bool { fmt.Fprint(w, "<html>"); return true }, "reading"},
		{"a redirect to elsewhere", func(w http.ResponseWriter, path string) bool {
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
			w.WriteHeader(http.StatusFound)
			return true
		}, "redirects"},
		{"a circle of redirects", func(w http.ResponseWriter, path string) bool {
			w.Header().Set("Location", path)
			w.WriteHeader(http.StatusFound)
			return true
		}, "redirects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeIssuer(t, public("1", rsaOne()))
			f.answers(func(w http.ResponseWriter, path string) bool {
				return tt.answer(substitute{w, f.URL}, path)
			})
			source := &keySource{opts: from(f, nil).Issuers[0]}
			_, err := source.fetch(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("fetching the keys: %.300v; want a fault that says %q", err, tt.word)
			}
		})
	}
}

// substitute writes the issuer's URL for ISSUER.
type substitute struct {
	http.ResponseWriter
	url string
}

func (s substitute) Write(b []byte) (int, error) {
	_, err := s.ResponseWriter.Write([]byte(strings.ReplaceAll(string(b), "ISSUER", s.url)))
	return len(b), err
}

// Kubernetes' API server is an issuer with a certificate of its own, and shows
// its keys to those it knows.
func TestAnIssuerWithItsOwnAuthorityThatAsksForAToken(t *testing.T) {
	dir := t.TempDir()
	tokenFile, caFile := filepath.Join(dir, "token"), filepath.Join(dir, "ca.crt")
	keys := http.NewServeMux()
	var shownTo []string
	keys.HandleFunc("/openid/v1/jwks", func(w http.ResponseWriter, r *http.Request) {
		shownTo = append(shownTo, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") != "Bearer our-own" {
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{public("1", rsaOne())}})
	})
	server := httptest.NewTLSServer(keys)
	defer server.Close()
	put(t, tokenFile, []byte("our-own\n"))
	put(t, caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	i := Issuer{
		URL: "https://kubernetes.default.svc", Audiences: []string{"eventing.knative.dev/trigger"},
		JWKSURL: server.URL + "/openid/v1/jwks", CAFile: caFile, TokenFile: tokenFile,
	}
	a, clock := open(t, Options{Issuers: []Issuer{i}}, ":80")
	token := sign(t, jose.RS256, rsaOne(), kid("1"), map[string]any{
		"iss": i.URL, "sub": "system:serviceaccount:default:trigger", "aud": "eventing.knative.dev/trigger",
		"exp": time.Now().Add(time.Hour).Unix(),
	})
	c, err := a.Identify(request("Authorization: Bearer " + token))
	if err != nil || c.Name != "system:serviceaccount:default:trigger" {
		t.Fatalf("%+v, %v; the issuer was shown %q", c, err, shownTo)
	}
	source := &keySource{opts: i}
	put(t, caFile, []byte("no certificate"))
	clock.advance(defaultRefresh)
	if _, err := source.fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("with a spoilt CA file: %v", err)
	}
	put(t, caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	put(t, tokenFile, []byte("two\nlines"))
	if _, err := source.fetch(t.Context()); err == nil || strings.Contains(err.Error(), "lines") {
		t.Errorf("with a spoilt token file: %v", err)
	}
}

// An issuer's discovery document may name a server of somebody else's.
func TestTheIssuersOwnTokenIsShownToNobodyElse(t *testing.T) {
	tokenFile := filepath.Join(t.TempDir(), "token")
	put(t, tokenFile, []byte("our-own"))
	var shown []string
	note := func(who string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown = append(shown, who+": "+r.Header.Get("Authorization"))
			next.ServeHTTP(w, r)
		})
	}
	other := httptest.NewServer(note("other", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{public("1", rsaOne())}})
	})))
	defer other.Close()
	var issuer *httptest.Server
	issuer = httptest.NewServer(note("issuer", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer.URL, other.URL)
	})))
	defer issuer.Close()
	source := &keySource{opts: Issuer{URL: issuer.URL, TokenFile: tokenFile}}
	if keys, err := source.fetch(t.Context()); err != nil || len(keys) != 1 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if diff := cmp.Diff([]string{"issuer: Bearer our-own", "other: "}, shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
