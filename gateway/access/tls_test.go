package access

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTLSIsModernAndSpeaksHTTP2(t *testing.T) {
	ca := newAuthority(t)
	files := newTLSFiles(t, ca)
	files.ClientCAFile = ""
	config, _, err := TLS(Options{TLS: files.TLSOptions})
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, config, nil)
	for _, tt := range []struct {
		name   string
		config *tls.Config
		proto  string
	}{
		{"HTTP/2 with TLS 1.3", &tls.Config{}, "HTTP/2.0"},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, "HTTP/2.0"},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.RootCAs = ca.pool()
			if proto, _, err := ask(at, tt.config); proto != tt.proto || (err == nil) != (proto != "") {
				t.Errorf("%q, %v; want %q", proto, err, tt.proto)
			}
		})
	}
	if config, reload, err := TLS(Options{}); config != nil || err != nil || reload() != nil {
		t.Errorf("without a certificate: %v, %v", config, err)
	}
}

func TestANewCertificateIsTakenUnderLoadAndAFaultyOneIsNot(t *testing.T) {
	ca := newAuthority(t)
	files := newTLSFiles(t, ca)
	var told reports
	clock := &clock{}
	config, reload, err := newTLS(Options{TLS: files.TLSOptions, Report: told.add}, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, config, nil)
	serial := func() (int64, error) {
		_, state, err := ask(at, &tls.Config{RootCAs: ca.pool()})
		if err != nil {
			return 0, err
		}
		return state.PeerCertificates[0].SerialNumber.Int64(), nil
	}
	expect := func(when string, want int64) {
		t.Helper()
		clock.advance(time.Second)
		if got, err := serial(); err != nil || got != want {
			t.Errorf("%s: certificate %d, %v; want %d", when, got, err, want)
		}
	}
	expect("at first", 100)

	// Under load: every handshake succeeds, whatever is half written.
	var load sync.WaitGroup
	var done atomic.Bool
	var asked, failed atomic.Int64
	for range 4 {
		load.Go(func() {
			for !done.Load() {
				asked.Add(1)
				if _, err := serial(); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	for n := range int64(20) {
		cert, key := ca.issue(t, 200+n, nil)
		if n%5 == 0 {
			cert = []byte("half a cert")
		}
		for _, f := range []struct {
			path string
			text []byte
		}{{files.CertFile, cert}, {files.KeyFile, key}} {
			put(t, f.path, f.text)
			clock.advance(lookEvery)
			for before := asked.Load(); asked.Load() < before+8; { // handshakes that began after this change
				runtime.Gosched()
			}
		}
	}
	files.write(t, ca, 300)
	done.Store(true)
	load.Wait()
	if asked.Load() < 100 || failed.Load() > 0 {
		t.Errorf("%d of %d handshakes failed", failed.Load(), asked.Load())
	}
	expect("after the load", 300)

	// A key that is another certificate's, a certificate that has ended, none at all.
	before := len(told.all())
	_, otherKey := ca.issue(t, 1, nil)
	put(t, files.KeyFile, otherKey)
	expect("with another key", 300)
	expect("with another key, again", 300)
	if all := told.all(); len(all) != before+1 || !strings.Contains(all[before], "private key") {
		t.Errorf("told %q; want the other key, once", all[before:])
	}
	ended, endedKey := ca.issue(t, 400, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	put(t, files.CertFile, ended)
	put(t, files.KeyFile, endedKey)
	expect("with one that has ended", 300)
	if err := os.Remove(files.CertFile); err != nil {
		t.Fatal(err)
	}
	expect("with none", 300)
	if err := reload(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("told to read again: %v", err)
	}
	files.write(t, ca, 500)
	if err := reload(); err != nil {
		t.Error(err)
	}
	expect("with a good one again", 500)
}

func TestAnAuthorityThatIsNoLongerTrustedLetsNobodyInAnyMore(t *testing.T) {
	ca, next := newAuthority(t), newAuthority(t)
	files := newTLSFiles(t, ca)
	files.RequireClient = true
	clock := &clock{}
	config, _, err := newTLS(Options{TLS: files.TLSOptions}, clock.now)
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, config, nil)
	cert, key := ca.issue(t, 1, nil)
	// With a cache of sessions, as a client that wants to resume one has.
	client := &tls.Config{
		RootCAs: ca.pool(), Certificates: []tls.Certificate{must(tls.X509KeyPair(cert, key))},
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	for range 2 {
		if _, state, err := ask(at, client); err != nil || state.DidResume {
			t.Fatalf("%+v, %v", state, err)
		}
	}
	if _, _, err := ask(at, &tls.Config{RootCAs: ca.pool()}); err == nil {
		t.Error("a client without a certificate got in where one is required")
	}
	put(t, files.ClientCAFile, next.pem)
	clock.advance(time.Second)
	if _, _, err := ask(at, client); err == nil {
		t.Error("a client of the old authority got in")
	}
	cert, key = next.issue(t, 2, nil)
	client.Certificates = []tls.Certificate{must(tls.X509KeyPair(cert, key))}
	if _, _, err := ask(at, client); err != nil {
		t.Errorf("a client of the new authority: %v", err)
	}
}

func TestTLSFilesThatDoNotFitAreAFaultAtTheStart(t *testing.T) {
	ca := newAuthority(t)
	for _, tt := range []struct {
		name  string
		spoil func(*tlsFiles)
		word  string
	}{
		{"no key", func(f *tlsFiles) { f.KeyFile = "" }, "go together"},
		{"no certificate", func(f *tlsFiles) { f.CertFile, f.KeyFile = "", "" }, "nothing without certFile"},
		{"a client certificate required, with no authority", func(f *tlsFiles) { f.ClientCAFile, f.RequireClient = "", true }, "clientCAFile is missing"},
		{"a file that is not there", func(f *tlsFiles) { f.KeyFile += "x" }, "no such file"},
		{"an authority that is none", func(f *tlsFiles) { f.ClientCAFile = f.KeyFile }, "no certificate"},
		{"a certificate for a key", func(f *tlsFiles) { f.KeyFile = f.CertFile }, "tls.crt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := newTLSFiles(t, ca)
			tt.spoil(&files)
			if _, _, err := TLS(Options{TLS: files.TLSOptions}); err == nil || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("error %v; want one that says %q", err, tt.word)
			}
		})
	}
}
