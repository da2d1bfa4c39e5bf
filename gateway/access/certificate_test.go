package access

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestAClientCertificateIsItsCaller(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	files := newTLSFiles(t, ca)
	o := Options{TLS: files.TLSOptions, Certificates: []Certificate{
		{URI: "spiffe://cluster.local/ns/cameras/*", Grant: Grant{Functions: []string{"yolo*"}}},
		{DNS: "*.cameras.example", CommonName: "gate-*"},
		{CommonName: "operator", Grant: Grant{Scopes: Scopes}},
		{Email: "*@example.org"},
	}}
	key, keyText := newKey(t, "k", Grant{})
	o.Keys = []Key{key}
	a, _ := open(t, o, ":443")
	config, _, err := TLS(o)
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, config, a)
	o.CORS = CORSOptions{Origins: []string{"*"}}
	forAll, _ := open(t, o, ":443")
	atForAll := serve(t, config, forAll)
	o.CORS = CORSOptions{Origins: []string{"https://app.example.org"}}
	listed, _ := open(t, o, ":443")
	atListed := serve(t, config, listed)
	o.CORS.Credentials = true
	trusted, _ := open(t, o, ":443")
	atTrusted := serve(t, config, trusted)

	with := func(by *authority, change func(*x509.Certificate)) *tls.Config {
		cert, key := by.issue(t, 7, change)
		return &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{must(tls.X509KeyPair(cert, key))}}
	}
	named := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject.CommonName = name }
	}
	tests := []struct {
		name   string
		config *tls.Config
		fields []string
		want   string // "" for a handshake that fails
	}{
		{"by a URI", with(ca, func(c *x509.Certificate) {
			c.URIs = []*url.URL{must(url.Parse("https://x")), must(url.Parse("spiffe://cluster.local/ns/cameras/sa/gate"))}
		}), nil, "certificate:spiffe://cluster.local/ns/cameras/sa/gate"},
		{"by two names", with(ca, func(c *x509.Certificate) {
			c.DNSNames, c.Subject.CommonName = []string{"seven.cameras.example"}, "gate-7"
		}), nil, "certificate:seven.cameras.example"},
		{"with one of two names", with(ca, func(c *x509.Certificate) { c.DNSNames = []string{"seven.cameras.example"} }), nil, "not-permitted"},
		{"by its common name", with(ca, named("operator")), nil, "certificate:operator"},
		{"by a mail address", with(ca, func(c *x509.Certificate) { c.EmailAddresses = []string{"ann@example.org"} }), nil, "certificate:ann@example.org"},
		{"of nobody who is known", with(ca, named("operators")), nil, "not-permitted"},
		{"with a name of two lines", with(ca, func(c *x509.Certificate) { c.EmailAddresses = []string{"a@b"}; c.Subject.CommonName = "operator\n" }), nil, "not-permitted"},
		{"none", &tls.Config{RootCAs: ca.pool()}, nil, "not-authenticated"},
		{"none, and a key", &tls.Config{RootCAs: ca.pool()}, []string{"X-API-Key: " + keyText}, "key:k"},
		{"good, and a key, which counts", with(ca, named("operator")), []string{"X-API-Key: " + keyText}, "key:k"},
		{"good, and a wrong key, which counts", with(ca, named("operator")), []string{"X-API-Key: " + keyText + "x"}, "not-authenticated"},
		{"good, sent by another site's page in the browser", with(ca, named("operator")), []string{"Origin: https://evil.example"}, "not-permitted"},
		{"good, sent by a page where all sites may, but not as the user", with(ca, named("operator")), []string{"At: " + atForAll, "Origin: https://app.example.org"}, "not-permitted"},
		{"good, sent by a listed site's page, but not as the user", with(ca, named("operator")), []string{"At: " + atListed, "Origin: https://app.example.org"}, "not-permitted"},
		{"good, sent by the page of a site that may as the user", with(ca, named("operator")), []string{"At: " + atTrusted, "Origin: https://app.example.org"}, "certificate:operator"},
		{"good, sent by another site's page than that", with(ca, named("operator")), []string{"At: " + atTrusted, "Origin: https://evil.example"}, "not-permitted"},
		{"of another authority", with(stranger, named("operator")), nil, ""},
		{"that has ended", with(ca, func(c *x509.Certificate) {
			c.Subject.CommonName, c.NotAfter = "operator", time.Now().Add(-time.Minute)
		}), nil, ""},
		{"that is for servers", with(ca, func(c *x509.Certificate) {
			c.Subject.CommonName, c.ExtKeyUsage = "operator", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at, fields := at, tt.fields
			if len(fields) > 0 && strings.HasPrefix(fields[0], "At: ") {
				at, fields = strings.TrimPrefix(fields[0], "At: "), fields[1:]
			}
			got, _, err := ask(at, tt.config, fields...)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestAConnectionDoesNotKeepACertificateAlive(t *testing.T) {
	ca := newAuthority(t)
	raw, _ := ca.issue(t, 1, func(c *x509.Certificate) { c.Subject.CommonName = "gate" })
	block, _ := pem.Decode(raw)
	leaf := must(x509.ParseCertificate(block.Bytes))
	state := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf, ca.cert}}}
	rules := []Certificate{{CommonName: "gate"}}
	if _, shown, err := byCertificate(state, rules, time.Now()); !shown || err != nil {
		t.Errorf("while it lasts: %v, %v", shown, err)
	}
	_, _, err := byCertificate(state, rules, time.Now().Add(2*time.Hour))
	refused(t, err, functions.Unauthenticated, "expired")
	state.VerifiedChains = nil // shown, and verified by nobody
	if _, shown, _ := byCertificate(state, rules, time.Now()); shown {
		t.Error("a certificate that nobody verified counted")
	}
}
