package access

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// Whatever a header says, nobody gets in without the key, and nothing breaks.
func FuzzIdentify(f *testing.F) {
	key, text := newKey(f, "k", Grant{})
	issuer := Issuer{URL: "https://127.0.0.1:1", Audiences: []string{"a"}}
	a, _ := open(f, Options{Keys: []Key{key}, Issuers: []Issuer{issuer}}, ":80")
	for _, seed := range []struct{ authorization, apiKey string }{
		{"", ""},
		{"Bearer " + text, ""},
		{"", text},
		{"bearer  " + text + " ", ""},
		{"Bearer " + text + "\x00", ""},
		{"Bearer", ""},
		{"Basic dTpw", ""},
		{"Bearer sk_saccade_", ""},
		{"Bearer sk_saccade__x", ""},
		{"", "sk_saccade_a_"},
		{"Bearer a.b.c", ""},
		{"Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovLzEyNy4wLjAuMToxIn0.", ""},
		{"Bearer ..", ""},
		{"Bearer a.b.c.d.e", ""},
		{"Bearer\t" + text, ""},
		{"Bearer " + text, text},
		{"Bearer eyJhbGciOiJSUzI1NiJ9.e30.", ""},
		{"Bearer é.é.é", ""},
	} {
		f.Add(seed.authorization, seed.apiKey)
	}
	f.Fuzz(func(t *testing.T, authorization, apiKey string) {
		r := request()
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		if apiKey != "" {
			r.Header["X-Api-Key"] = []string{apiKey}
		}
		c, err := a.Identify(r)
		_, bearer, _ := strings.Cut(authorization, " ")
		shown := apiKey == text && authorization == "" || apiKey == "" && strings.Trim(bearer, " ") == text
		if err == nil && (!shown || c.Name != "k") {
			t.Errorf("%q, %q got in as %+v", authorization, apiKey, c)
		}
		if err != nil {
			if kind := functions.KindOf(err); kind != functions.Unauthenticated && kind != functions.Unavailable {
				t.Errorf("%q, %q: %v of the kind %s", authorization, apiKey, err, kind)
			}
		}
		if len(r.Header) != 0 {
			t.Errorf("left in the header: %v", r.Header)
		}
	})
}

// What is written in keys files by hand is read or refused, and what is read has
// its bounds.
func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("- {name: a, id: a, hash: 'sha256:" + strings.Repeat("a", 64) + "'}\n"))
	f.Add([]byte("- &a {name: a}\n- *a\n"))
	f.Add([]byte("- name: a\n  functions: []\n"))
	f.Add([]byte("- $argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA"))
	f.Add([]byte("a: 1\n---\n- b"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseKeys(text)
		if err != nil {
			return
		}
		ring, err := newKeyring(keys)
		if err != nil || len(ring.byID) != len(keys) {
			t.Fatalf("keys that were read make no ring: %v", err)
		}
		for _, k := range ring.byID {
			if len(k.caller.Functions) == 0 || len(k.caller.Scopes) == 0 || !isName(k.Name) {
				t.Errorf("%+v", k.caller)
			}
		}
	})
}

// No origin is taken for one that it is not.
func FuzzOrigin(f *testing.F) {
	c := newCORS(CORSOptions{Origins: []string{"https://app.example.org", "https://*.dev.example"}})
	for _, seed := range []string{"https://app.example.org", "https://a.dev.example", "https://dev.example", "null", "https://evil/.dev.example", "https://a.dev.example:443", "https://[::1]", "https://x@a.dev.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		if !c.allows(origin) {
			return
		}
		host, https := strings.CutPrefix(origin, "https://")
		if !https || origin != "https://app.example.org" && (!strings.HasSuffix(host, ".dev.example") || strings.ContainsAny(host, "/@?#\\ \x00")) {
			t.Errorf("%q is allowed", origin)
		}
		h := http.Header{}
		c.allow(h, origin)
		if h.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("the answer to %q is %v", origin, h)
		}
	})
}
