package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/sourcestest"
)

func mqttURL(address string) []*url.URL { return []*url.URL{{Scheme: "mqtt", Host: address}} }

func publisher(t *testing.T, address string) (*mqtt.Publisher, *sourcestest.Gateway) {
	t.Helper()
	g := sourcestest.New()
	p, err := mqtt.NewPublisher(mqtt.PublisherOptions{Name: "out", Connection: mqtt.Connection{URL: "mqtt://" + address}}, g.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, g
}

func TestWhatIsPublishedIsReadAsTheSameEvent(t *testing.T) {
	m := broker(t)
	g := sourcestest.New()
	o := m.options()
	o.InFlight = 1 // in order
	run(t, o, g)
	p, up := publisher(t, m.address)
	connected(t, up)
	all := []events.Event{
		{
			ID: "1", Source: "/saccade", Type: "t", Subject: "a b", DataContentType: "application/json", Data: []byte(`{"a":1}`),
			Time: time.Unix(1, 5).UTC(), Extensions: map[string]any{"x": `100%25 Grüße "%"`},
		},
		{ID: "2", Source: "/saccade", Type: "t", DataContentType: "image/png", Data: []byte("\x00\xff")},
		{ID: "3", Source: "/saccade", Type: "t", DataContentType: "application/cloudevents+json", Data: []byte(`{"in":"side"}`)},
	}
	for _, e := range all {
		if err := p.Publish(t.Context(), &url.URL{Scheme: "mqtt", Host: m.address, Path: "/cameras/out"}, e); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(all, g.Taken(t, 3)); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTopicsOfTheBrokerArePublishedTo(t *testing.T) {
	m := broker(t, "max_packet_size 2000")
	p, up := publisher(t, m.address)
	connected(t, up)
	e := events.Event{ID: "1", Source: "/s", Type: "t"}
	for sink, kind := range map[string]functions.Kind{
		"mqtt://elsewhere:1883/a":              functions.Forbidden,
		"nats://" + m.address + "/a":           functions.Forbidden,
		"mqtt://" + m.address + "/$SYS/broker": functions.Invalid,
		"mqtt://" + m.address + "/a/+":         functions.Invalid,
		"mqtt://" + m.address + "/a/%23":       functions.Invalid,
		"mqtt://" + m.address + "/a%00":        functions.Invalid,
		"mqtt://" + m.address + "/%ff":         functions.Invalid,
		"mqtt://" + m.address:                  functions.Invalid,
	} {
		u, err := url.Parse(sink)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(t.Context(), u, e); err == nil || functions.KindOf(err) != kind {
			t.Errorf("%s: %v; want %s", sink, err, kind)
		}
	}
	u := &url.URL{Scheme: "mqtt", Host: m.address, Path: "/a"}
	e.Data = make([]byte, 2001)
	if err := p.Publish(t.Context(), u, e); functions.KindOf(err) != functions.TooLarge {
		t.Errorf("more than the broker takes: %v", err)
	}
	e.Data = nil
	if err := p.Publish(t.Context(), u, e); err != nil {
		t.Errorf("nobody is subscribed: %v", err)
	}
	m.stop()
	for { // until the client has noticed
		if err := p.Publish(t.Context(), u, e); err != nil {
			if functions.KindOf(err) != functions.Unavailable {
				t.Error(err)
			}
			return
		}
	}
}

func TestOnlyThoseWithTheSecretConnectAndOnlyToTheBrokerItself(t *testing.T) {
	tool, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		t.Skip("needs mosquitto_passwd, which is not installed")
	}
	dir := t.TempDir()
	passwords, secret := filepath.Join(dir, "passwords"), filepath.Join(dir, "secret")
	if out, err := exec.Command(tool, "-b", "-c", passwords, "me", "swordfish").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(secret, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t, dir)
	m := broker(t, "allow_anonymous false", "password_file "+passwords, "certfile "+cert, "keyfile "+key)
	o := m.options()
	o.URL, o.User, o.Password = "mqtts://"+m.address, "me", intake.Secret{File: secret}

	stranger := sourcestest.New() // does not know who signed the broker's certificate
	source, err := mqtt.New(o, stranger.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	stop := sourcestest.Run(t, source, stranger)
	seen := stranger.Until(t, func(seen sourcestest.Seen) bool { return len(seen.Changes) > 0 })
	if err := seen.Changes[0].Err; err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a broker of unknown authority: %v", err)
	}
	stop()

	o.TLS.CA = cert
	g := sourcestest.New()
	if source, err = mqtt.New(o, g.Hooks()); err != nil {
		t.Fatal(err)
	}
	sourcestest.Run(t, source, g)
	g.Failing(t) // the password is wrong
	if err := os.WriteFile(secret, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	connected(t, g)
	if states := g.Until(t, func(sourcestest.Seen) bool { return true }).Changes; slices.ContainsFunc(states, func(c intake.Change) bool {
		return c.Err != nil && strings.Contains(c.Err.Error(), "swordfish")
	}) {
		t.Error("the secret is in what the hook hears")
	}
}

// certificate signs itself, for 127.0.0.1.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestOptionsThatDoNotFitAreAllNamed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options mqtt.Options
		says    []string
	}{
		{"nothing", mqtt.Options{}, []string{"name", "url", "topics: none"}},
		{"a secret in the URL", mqtt.Options{Connection: mqtt.Connection{URL: "mqtt://me:hush@h"}}, []string{"credentials do not belong"}},
		{"TLS that is not used", mqtt.Options{Connection: mqtt.Connection{URL: "mqtt://h", TLS: intake.TLS{CA: "a"}}}, []string{"mqtts://"}},
		{"bad filters", mqtt.Options{Topics: []string{"a/#/b"}}, []string{"# before its end"}},
		{"a wildcard in a word", mqtt.Options{Topics: []string{"$share/g/a+"}}, []string{"wildcard beside"}},
		{"letters that come round", mqtt.Options{Topics: []string{"a/#"}, DeadLetter: "a"}, []string{"come round again"}},
		{"too many in flight", mqtt.Options{Options: intake.Options{InFlight: 1 << 20}}, []string{"inFlight"}},
		{"a session of no time", mqtt.Options{SessionExpiry: 1}, []string{"sessionExpiry"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mqtt.New(tt.options, intake.Hooks{})
			for _, want := range tt.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("the error has the secret: %v", err)
			}
		})
	}
}
