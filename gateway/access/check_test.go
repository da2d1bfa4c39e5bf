package access

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	hash := "sha256:" + strings.Repeat("a", 64)
	issuer := Issuer{URL: "https://issuer.example", Audiences: []string{"saccade"}}
	changed := func(change func(*Issuer)) Options {
		i := issuer
		change(&i)
		return Options{Issuers: []Issuer{i}}
	}
	tests := []struct {
		name string
		opts Options
		word string // "" for nothing wrong
	}{
		{"nothing said", Options{}, ""},
		{"a scope that is none", Options{Anyone: Grant{Scopes: []Scope{"root"}}}, `anyone.scopes: "root"`},
		{"no functions, where leaving it out means all", Options{Anyone: Grant{Functions: []string{}}}, "anyone.functions: an empty list"},
		{"no scopes, where leaving it out means some", Options{Anyone: Grant{Scopes: []Scope{}}}, "anyone.scopes: an empty list"},
		{"a pattern that no function matches", Options{Anyone: Grant{Functions: []string{"YOLO"}}}, `anyone.functions: "YOLO"`},
		{"a negative rate", Options{Anyone: Grant{Limits: Limits{Rate: -1}}}, "anyone.rate"},
		{"a rate that is no number", Options{Anyone: Grant{Limits: Limits{Rate: math.NaN()}}}, "anyone.rate"},
		{"a burst without a rate", Options{Anyone: Grant{Limits: Limits{Burst: 1}}}, "anyone.burst"},
		{"a negative quota", Options{Anyone: Grant{Limits: Limits{PerDay: -1}}}, "anyone.perDay"},
		{"a host with a port", Options{Hosts: []string{"saccade.lan:8080"}}, "hosts:"},
		{"a host with a star inside", Options{Hosts: []string{"a.*.lan"}}, "hosts:"},
		{"a good key", Options{Keys: []Key{{Name: "a@b.c/d", ID: "a", Hash: hash}}}, ""},
		{"a key without a name", Options{Keys: []Key{{ID: "a", Hash: hash}}}, "keys[0].name"},
		{"a key without an id", Options{Keys: []Key{{Name: "a", Hash: hash}}}, "keys[0].id"},
		{"an id with a line in it", Options{Keys: []Key{{Name: "a", ID: "a_b", Hash: hash}}}, "keys[0].id"},
		{"a key without a hash", Options{Keys: []Key{{Name: "a", ID: "a"}}}, "keys[0].hash"},
		{"two keys of one name", Options{Keys: []Key{{Name: "a", ID: "a", Hash: hash}, {Name: "a", ID: "b", Hash: hash}}}, "keys[1].name"},
		{"two keys of one id", Options{Keys: []Key{{Name: "a", ID: "a", Hash: hash}, {Name: "b", ID: "a", Hash: hash}}}, "keys[1].id"},
		{"a good issuer", Options{Issuers: []Issuer{issuer}}, ""},
		{"an issuer on loopback", changed(func(i *Issuer) { i.URL = "http://127.0.0.1:9000" }), ""},
		{"an issuer by http", changed(func(i *Issuer) { i.URL = "http://issuer.example" }), "issuers[0].url"},
		{"an issuer with a password", changed(func(i *Issuer) { i.URL = "https://a:b@issuer.example" }), "issuers[0].url"},
		{"an issuer with a query", changed(func(i *Issuer) { i.URL += "?x" }), "issuers[0].url"},
		{"an issuer with an empty query", changed(func(i *Issuer) { i.URL += "?" }), "issuers[0].url"},
		{"an issuer with a fragment", changed(func(i *Issuer) { i.URL += "#" }), "issuers[0].url"},
		{"no audience", changed(func(i *Issuer) { i.Audiences = nil }), "issuers[0].audiences"},
		{"an empty audience", changed(func(i *Issuer) { i.Audiences = []string{""} }), "issuers[0].audiences"},
		{"an empty subject", changed(func(i *Issuer) { i.Subjects = []string{""} }), "issuers[0].subjects"},
		{"the algorithm none", changed(func(i *Issuer) { i.Algorithms = []string{"none"} }), "issuers[0].algorithms"},
		{"the algorithm HS256", changed(func(i *Issuer) { i.Algorithms = []string{"HS256"} }), "issuers[0].algorithms"},
		{"a clock far off", changed(func(i *Issuer) { i.Skew = time.Hour }), "issuers[0].skew"},
		{"keys by http", changed(func(i *Issuer) { i.JWKSURL = "http://issuer.example/keys" }), "issuers[0].jwksURL"},
		{"negative times", changed(func(i *Issuer) { i.Refresh, i.Stale = -1, -1 }), "issuers[0].stale"},
		{"functions said twice", changed(func(i *Issuer) { i.FunctionsClaim, i.Functions = "f", []string{"a"} }), "issuers[0].functionsClaim"},
		{"functions said twice, in a rule", changed(func(i *Issuer) {
			i.FunctionsClaim, i.Rules = "f", []Rule{{Values: []string{"a"}, Grant: Grant{Functions: []string{"a"}}}}
		}), "issuers[0].functionsClaim"},
		{"scopes said twice", changed(func(i *Issuer) { i.ScopesClaim, i.Scopes = "s", []Scope{ScopeRead} }), "issuers[0].scopesClaim"},
		{"a prefix of nothing", changed(func(i *Issuer) { i.ScopesPrefix = "x:" }), "issuers[0].scopesPrefix"},
		{"a rule without values", changed(func(i *Issuer) { i.Rules = []Rule{{}} }), "issuers[0].rules[0].values"},
		{"a claim too deep", changed(func(i *Issuer) { i.Rules = []Rule{{Claim: strings.Repeat("a.", 20), Values: []string{"x"}}} }), "issuers[0].rules[0].claim"},
		{"an issuer twice", Options{Issuers: []Issuer{issuer, issuer}}, "issuers[1].url"},
		{"a certificate's rule without names", Options{Certificates: []Certificate{{}}}, "certificates[0]"},
		{"a certificate's rule without an authority", Options{Certificates: []Certificate{{DNS: "a"}}}, "tls.clientCAFile"},
		{"credentials for every site", Options{CORS: CORSOptions{Origins: []string{"*"}, Credentials: true}}, "cors.credentials"},
		{"an origin with a path", Options{CORS: CORSOptions{Origins: []string{"https://a.example/"}}}, "cors.origins"},
		{"the origin null", Options{CORS: CORSOptions{Origins: []string{"null"}}}, "cors.origins"},
		{"an origin with a star inside", Options{CORS: CORSOptions{Origins: []string{"https://a*.example"}}}, "cors.origins"},
		{"a negative age", Options{CORS: CORSOptions{MaxAge: -1}}, "cors.maxAge"},
	}
	var all Options
	var words []string
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.opts.Check()
			if (err == nil) != (tt.word == "") || err != nil && !strings.Contains(err.Error(), tt.word) {
				t.Errorf("Check: %v; want a fault that says %q", err, tt.word)
			}
			if _, newErr := New(tt.opts, loopback); err != nil && newErr == nil {
				t.Error("New took what Check refuses")
			}
		})
	}
	all.Hosts, all.TLS.RequireClient, all.CORS.MaxAge = []string{"a b"}, true, -1
	words = []string{"hosts", "tls.requireClient", "cors.maxAge"}
	for _, word := range words {
		if err := all.Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not among: %v", word, err)
		}
	}
}

func TestOptionsReadAsTheDocumentationWritesThem(t *testing.T) {
	const text = `
open: false
anyone: {functions: [demo], rate: 1, burst: 5}
hosts: [saccade.lan]
keys:
  - name: camera-7
    id: abc
    hash: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    functions: ["yolo*"]
    scopes: [detect]
    rate: 2.5
    burst: 10
    perDay: 1000
    notAfter: 2030-01-31
keysFile: keys.yaml
issuers:
  - url: https://issuer.example
    audiences: [saccade]
    skew: 30s
    rules:
      - claim: groups
        values: [ops]
        scopes: [detect, read, admin]
certificates:
  - uri: spiffe://cluster.local/ns/cameras/*
    scopes: [detect]
tls: {certFile: tls.crt, keyFile: tls.key, clientCAFile: ca.crt, requireClient: true}
cors: {origins: ["https://app.example.org"], credentials: true, maxAge: 5m}
`
	var got Options
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := Options{
		Open: new(false), Anyone: Grant{Functions: []string{"demo"}, Limits: Limits{Rate: 1, Burst: 5}}, Hosts: []string{"saccade.lan"},
		Keys: []Key{{
			Name: "camera-7", ID: "abc", Hash: "sha256:" + strings.Repeat("a", 64), NotAfter: time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC),
			Grant: Grant{Functions: []string{"yolo*"}, Scopes: []Scope{ScopeDetect}, Limits: Limits{Rate: 2.5, Burst: 10, PerDay: 1000}},
		}},
		KeysFile: "keys.yaml",
		Issuers: []Issuer{{
			URL: "https://issuer.example", Audiences: []string{"saccade"}, Skew: 30 * time.Second,
			Rules: []Rule{{Claim: "groups", Values: []string{"ops"}, Grant: Grant{Scopes: Scopes}}},
		}},
		Certificates: []Certificate{{URI: "spiffe://cluster.local/ns/cameras/*", Grant: Grant{Scopes: []Scope{ScopeDetect}}}},
		TLS:          TLSOptions{CertFile: "tls.crt", KeyFile: "tls.key", ClientCAFile: "ca.crt", RequireClient: true},
		CORS:         CORSOptions{Origins: []string{"https://app.example.org"}, Credentials: true, MaxAge: 5 * time.Minute},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if err := got.Check(); err != nil {
		t.Error(err)
	}
}

func TestAKeysFileReadsBackAsItWasWritten(t *testing.T) {
	var want []Key
	for n := range 3 {
		key, _ := newKey(t, fmt.Sprint("key-", n), Grant{Functions: []string{"a", "b*"}, Scopes: []Scope{ScopeRead}, Limits: Limits{Rate: 1.5, Burst: n}})
		key.NotAfter = time.Date(2030, 1, n+1, 12, 0, 0, 0, time.UTC)
		want = append(want, key)
	}
	text, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseKeys(text)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, keys (-want +got):\n%s", err, diff)
	}
	// Entries that were written one after the other are one list.
	one, _ := yaml.Marshal(want[:1])
	rest, _ := yaml.Marshal(want[1:])
	got, err = ParseKeys(bytes.Join([][]byte{one, rest}, nil))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, keys (-want +got):\n%s", err, diff)
	}
	if _, err := ParseKeys([]byte("- {name: a}\n- {name: a}\n")); err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 6 {
		t.Errorf("two bad keys: %v", errors.Join(err))
	}
}
