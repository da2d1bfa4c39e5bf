package access

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed45885407/saccade/functions"
)

// from is the options with that issuer, changed.
func from(f *fakeIssuer, change func(*Issuer)) Options {
	i := Issuer{URL: f.URL, Audiences: []string{"saccade", "saccade-old"}}
	if change != nil {
		change(&i)
	}
	return Options{Issuers: []Issuer{i}}
}

func TestATokenIsItsSubject(t *testing.T) {
	f := newFakeIssuer(t, public("r", rsaOne()), public("e", ecdsaOne()), public("d", edOne()),
		map[string]any{"kty": "oct", "kid": "s", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
		map[string]any{"kty": "from-the-future", "kid": "f"},
		map[string]any{"kty": "RSA", "kid": "broken"})
	a, _ := open(t, from(f, nil), ":80")

	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(rsaOne().Public()))})
	pkcs1 := x509.MarshalPKCS1PublicKey(rsaOne().Public().(*rsa.PublicKey))
	own := jose.JSONWebKey{Key: rsaTwo(), KeyID: "r", Algorithm: "RS256"}
	embedded := func() string {
		signer := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: own}, &jose.SignerOptions{EmbedJWK: true}))
		return must(must(signer.Sign([]byte(`{"iss":"` + f.URL + `"}`))).CompactSerialize())
	}
	good := f.claims(nil)
	signed := sign(t, jose.RS256, rsaOne(), kid("r"), good)
	parts := strings.Split(signed, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	forged := b64([]byte(strings.Replace(string(must(base64.RawURLEncoding.DecodeString(parts[1]))), "gate", "king", 1)))

	tests := []struct {
		name  string
		token string
		fault string
	}{
		{"signed with RSA", signed, ""},
		{"signed with ECDSA", sign(t, jose.ES256, ecdsaOne(), kid("e"), good), ""},
		{"signed with Ed25519", sign(t, jose.EdDSA, edOne(), kid("d"), good), ""},
		{"that does not name its key", sign(t, jose.ES256, ecdsaOne(), nil, good), ""},
		{"an access token by its type", sign(t, jose.RS256, rsaOne(), map[string]any{"kid": "r", "typ": "at+jwt"}, good), ""},
		{"with a single audience", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"aud": "saccade-old"})), ""},
		{"that ended within the skew", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": time.Now().Add(-30 * time.Second).Unix()})), ""},

		{"that ended", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()})), "expired"},
		{"that has no end", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": nil})), "expired"},
		{"whose end is a text", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": "never"})), "not valid"},
		{"whose end is beyond the calendar", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": 1e300})), "expired"},
		{"that is not valid yet", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"nbf": time.Now().Add(2 * time.Minute).Unix()})), "not valid yet"},
		{"whose beginning is a text", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"nbf": "now"})), "not valid"},
		{"for another audience", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"aud": []string{"saccade2", "x"}})), "another audience"},
		{"for no audience", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"aud": nil})), "another audience"},
		{"without a subject", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"sub": nil})), "no subject"},
		{"with a subject of two lines", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"sub": "a\nb"})), "no subject"},
		{"of another issuer", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"iss": "https://other.example"})), "not valid"},
		{"of the issuer with a slash", sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"iss": f.URL + "/"})), "not valid"},
		{"of two issuers, the second in capitals", sign(t, jose.RS256, rsaTwo(), kid("r"), f.claims(map[string]any{"ISS": "https://other.example"})), "not valid"},

		{"signed by somebody else under the name of the key", sign(t, jose.RS256, rsaTwo(), kid("r"), good), "not valid"},
		{"signed with one key under the name of another", sign(t, jose.ES256, ecdsaOne(), kid("r"), good), "not valid"},
		{"signed with a key that is not listed", sign(t, jose.RS256, rsaTwo(), kid("z"), good), "not valid"},
		{"signed by somebody else, no key named", sign(t, jose.RS256, rsaTwo(), nil, good), "not valid"},
		{"that brings its own key", embedded(), "not valid"},
		{"HS256 with the public key (PEM) as the secret", sign(t, jose.HS256, pemKey, kid("r"), good), "not valid"},
		{"HS256 with the public key (DER) as the secret", sign(t, jose.HS256, pkcs1, kid("r"), good), "not valid"},
		{"HS256 with the modulus as the secret", sign(t, jose.HS256, rsaOne().Public().(*rsa.PublicKey).N.Bytes(), kid("r"), good), "not valid"},
		{"HS256 with a symmetric key that the issuer lists", sign(t, jose.HS256, []byte("secret-secret-secret-secret-secret"), kid("s"), good), "not valid"},
		{"an algorithm that is not listed", sign(t, jose.PS256, rsaOne(), kid("r"), good), "not valid"},
		{"the algorithm none", b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", "not valid"},
		{"the algorithm None", b64([]byte(`{"alg":"None","kid":"r"}`)) + "." + parts[1] + "." + parts[2], "not valid"},
		{"without its signature", parts[0] + "." + parts[1] + ".", "not valid"},
		{"with other claims under its signature", parts[0] + "." + forged + "." + parts[2], "not valid"},
		{"a logout token", sign(t, jose.RS256, rsaOne(), map[string]any{"kid": "r", "typ": "logout+jwt"}, good), "not valid"},
		{"with a critical header that nobody knows", sign(t, jose.RS256, rsaOne(), map[string]any{"kid": "r", "crit": []string{"x"}, "x": 1}, good), "not valid"},
		{"claims that are no object", sign(t, jose.RS256, rsaOne(), kid("r"), nil), "not valid"},
		{"an encrypted token", "a.b.c.d.e", "not valid"},
		{"dots", "..", "not valid"},
		{"too long", strings.Repeat("x", maxTokenBytes) + ".y.z", "not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time it may be remembered
				c, err := a.Identify(request("Authorization: Bearer " + tt.token))
				if tt.fault != "" {
					refused(t, err, functions.Unauthenticated, tt.fault)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				same(t, c, Caller{
					Name: "system:serviceaccount:cameras:gate", Issuer: f.URL, Via: ViaToken,
					Functions: []string{"*"}, Scopes: []Scope{ScopeDetect, ScopeRead},
				})
			}
		})
	}
	if n := f.asked.Load(); n != 1 {
		t.Errorf("all this asked the issuer for its keys %d times; want 1", n)
	}
}

func TestAKeyThatIsForAnotherAlgorithmIsNotUsed(t *testing.T) {
	listed := public("r", rsaOne())
	listed.Algorithm = "PS256"
	curve := public("e", ecdsaOne())
	curve.Use = "enc"
	f := newFakeIssuer(t, listed, curve)
	a, _ := open(t, from(f, func(i *Issuer) { i.Algorithms = []string{"RS256", "PS256", "ES256"} }), ":80")
	for _, tt := range []struct {
		alg jose.SignatureAlgorithm
		key any
		kid string
		in  bool
	}{
		{jose.PS256, rsaOne(), "r", true}, {jose.RS256, rsaOne(), "r", false}, {jose.ES256, ecdsaOne(), "e", false},
	} {
		_, err := a.Identify(request("Authorization: Bearer " + sign(t, tt.alg, tt.key, kid(tt.kid), f.claims(nil))))
		if (err == nil) != tt.in {
			t.Errorf("%s with the key %s: %v; want to be let in: %v", tt.alg, tt.kid, err, tt.in)
		}
	}
}

func TestWhatATokenMayDoFollowsFromItsClaims(t *testing.T) {
	f := newFakeIssuer(t, public("e", ecdsaOne()))
	both := []Scope{ScopeDetect, ScopeRead}
	all := []string{"*"}
	limits := Limits{Rate: 1, Burst: 2, PerDay: 3}
	tests := []struct {
		name      string
		change    func(*Issuer)
		claims    map[string]any
		functions []string
		scopes    []Scope
		limits    Limits
		kind      functions.Kind
	}{
		{"nothing said: all functions, no administration", nil, nil, all, both, Limits{}, ""},
		{"a subject that is listed", func(i *Issuer) {
			i.Subjects = []string{"nobody", "system:serviceaccount:cameras:*"}
		}, nil, all, both, Limits{}, ""},
		{"a subject that is not", func(i *Issuer) {
			i.Subjects = []string{"system:serviceaccount:camera:*"}
		}, nil, nil, nil, Limits{}, functions.NotPermitted},
		{"the issuer's own grant", func(i *Issuer) {
			i.Grant = Grant{Functions: []string{"a*"}, Scopes: []Scope{ScopeRead}, Limits: limits}
		}, nil, []string{"a*"}, []Scope{ScopeRead}, limits, ""},
		{
			"scopes of OAuth", func(i *Issuer) { i.ScopesClaim = "scope" },
			map[string]any{"scope": "openid detect  admin detect"},
			all,
			[]Scope{ScopeDetect, ScopeAdmin},
			Limits{},
			"",
		},
		{
			"scopes with a prefix", func(i *Issuer) { i.ScopesClaim, i.ScopesPrefix = "scp", "saccade:" },
			map[string]any{"scp": []string{"saccade:read", "admin", "saccade:root"}},
			all,
			[]Scope{ScopeRead},
			Limits{},
			"",
		},
		{"scopes that a token lacks", func(i *Issuer) { i.ScopesClaim = "scope" }, nil, all, nil, Limits{}, ""},
		{"scopes that are a number", func(i *Issuer) { i.ScopesClaim = "scope" }, map[string]any{"scope": 7}, all, nil, Limits{}, ""},
		{
			"functions of a nested claim", func(i *Issuer) { i.FunctionsClaim = "saccade.functions" },
			map[string]any{"saccade": map[string]any{"functions": []any{"yolo11n", "eye-*", 7, "NO WAY"}}},
			[]string{"yolo11n", "eye-*"},
			both,
			Limits{},
			"",
		},
		{
			"functions of a claim with dots in its name", func(i *Issuer) { i.FunctionsClaim = "https://saccade.example.org/functions" },
			map[string]any{"https://saccade.example.org/functions": "a b"},
			[]string{"a", "b"},
			both,
			Limits{},
			"",
		},
		{"functions that a token lacks", func(i *Issuer) { i.FunctionsClaim = "functions" }, nil, nil, both, Limits{}, ""},
		{"the first rule that matches", func(i *Issuer) {
			i.Rules = []Rule{
				{Values: []string{"nobody"}, Grant: Grant{Scopes: []Scope{ScopeAdmin}}},
				{Claim: "kubernetes.io.namespace", Values: []string{"cam*"}, Grant: Grant{Functions: []string{"b"}, Limits: limits}},
				{Values: []string{"*"}, Grant: Grant{Scopes: Scopes}},
			}
			i.Grant = Grant{Scopes: []Scope{ScopeDetect}, Functions: []string{"a"}}
		}, map[string]any{"kubernetes.io": map[string]any{"namespace": "cameras"}}, []string{"b"}, []Scope{ScopeDetect}, limits, ""},
		{"a rule about groups", func(i *Issuer) {
			i.Rules = []Rule{{Claim: "groups", Values: []string{"ops"}, Grant: Grant{Scopes: Scopes}}}
		}, map[string]any{"groups": []string{"dev", "ops"}}, all, Scopes, Limits{}, ""},
		{"a group is matched whole", func(i *Issuer) {
			i.Rules = []Rule{{Claim: "groups", Values: []string{"ops"}}}
		}, map[string]any{"groups": "dev ops"}, nil, nil, Limits{}, functions.NotPermitted},
		{"no rule that matches", func(i *Issuer) {
			i.Rules = []Rule{{Claim: "groups", Values: []string{"ops"}}}
		}, nil, nil, nil, Limits{}, functions.NotPermitted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := open(t, from(f, tt.change), ":80")
			c, err := a.Identify(request("Authorization: Bearer " + sign(t, jose.ES256, ecdsaOne(), kid("e"), f.claims(tt.claims))))
			if tt.kind != "" {
				refused(t, err, tt.kind, "may come in")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			same(t, c, Caller{
				Name: "system:serviceaccount:cameras:gate", Issuer: f.URL, Via: ViaToken,
				Functions: tt.functions, Scopes: tt.scopes, Limits: tt.limits,
			})
		})
	}
}

// A token that was found genuine is remembered, but not past its end.
func TestARememberedTokenEnds(t *testing.T) {
	f := newFakeIssuer(t, public("e", ecdsaOne()))
	a, clock := open(t, from(f, func(i *Issuer) { i.Skew = time.Second }), ":80")
	token := sign(t, jose.ES256, ecdsaOne(), kid("e"), f.claims(map[string]any{"exp": time.Now().Add(time.Minute).Unix()}))
	for range 3 {
		if _, err := a.Identify(request("Authorization: Bearer " + token)); err != nil {
			t.Fatal(err)
		}
	}
	clock.advance(time.Minute + 2*time.Second)
	_, err := a.Identify(request("Authorization: Bearer " + token))
	refused(t, err, functions.Unauthenticated, "expired")
}

func TestTwoIssuersAreToldApart(t *testing.T) {
	one, two := newFakeIssuer(t, public("k", rsaOne())), newFakeIssuer(t, public("k", rsaTwo()))
	o := from(one, nil)
	o.Issuers = append(o.Issuers, from(two, func(i *Issuer) { i.Scopes = Scopes }).Issuers...)
	a, _ := open(t, o, ":80")
	for _, tt := range []struct {
		issuer *fakeIssuer
		key    any
		in     bool
	}{{one, rsaOne(), true}, {two, rsaTwo(), true}, {one, rsaTwo(), false}, {two, rsaOne(), false}} {
		c, err := a.Identify(request("Authorization: Bearer " + sign(t, jose.RS256, tt.key, kid("k"), tt.issuer.claims(nil))))
		if (err == nil) != tt.in || err == nil && c.Issuer != tt.issuer.URL {
			t.Errorf("%+v, %v; want to be let in: %v", c, err, tt.in)
		}
	}
}

func TestTheRememberedAreBounded(t *testing.T) {
	c := newCache[int](10)
	for i := range 1000 {
		c.put(digest([]byte(fmt.Sprintf("%032d", i))), i)
		if n := len(c.young) + len(c.old); n > 10 {
			t.Fatalf("%d are remembered", n)
		}
		if v, ok := c.get(digest([]byte(fmt.Sprintf("%032d", 0)))); !ok || v != 0 {
			t.Fatalf("what is asked for all the time was forgotten after %d others", i)
		}
	}
	if _, ok := c.get(digest([]byte(fmt.Sprintf("%032d", 1)))); ok {
		t.Error("what nobody asked for is still there")
	}
}
