package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/samples"
)

// certify writes a certificate for this machine and its key, and returns whom to trust.
func certify(t *testing.T, certFile, keyFile string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "gateway"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		keyFile: {Type: "PRIVATE KEY", Bytes: secret}, certFile: {Type: "CERTIFICATE", Bytes: der},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(cert)
	return pool
}

// A whole gateway with a certificate and keys: who may do what, and what becomes of
// the log.
func TestAClosedGatewayAsksWhoComes(t *testing.T) {
	needRuntime(t)
	cfg := testConfig(t)
	cfg.Jobs.Dir = t.TempDir()
	dir := t.TempDir()
	cfg.Access.TLS = access.TLSOptions{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	trusted := certify(t, cfg.Access.TLS.CertFile, cfg.Access.TLS.KeyFile, 1)
	keys := map[string]string{}
	for name, grant := range map[string]access.Grant{
		"camera": {Functions: []string{"centernet"}, Scopes: []access.Scope{access.ScopeDetect}},
		"other":  {Functions: []string{"yolo*"}, Scopes: []access.Scope{access.ScopeDetect}},
		"viewer": {Scopes: []access.Scope{access.ScopeRead}},
		"slow":   {Limits: access.Limits{PerDay: 1}},
	} {
		key, text, err := access.NewKey(name, grant)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Access.Keys, keys[name] = append(cfg.Access.Keys, key), text
	}
	var log lockedBuffer
	s, err := newStack(cfg, slog.New(slog.NewTextHandler(&log, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.serve(ctx, listener, false); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	defer group.Wait()
	defer stop()

	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	picture, err := samples.Pictures.ReadFile("chelsea.png")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, key string, header ...string) *http.Response {
		t.Helper()
		var body io.Reader = http.NoBody
		if method == http.MethodPost {
			body = bytes.NewReader(picture)
		}
		req, err := http.NewRequestWithContext(ctx, method, "https://"+listener.Addr().String()+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "image/png")
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return resp
	}
	const detect, events = "/v1/functions/centernet/detect", "/v1/events"
	event := []string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "/s", "Ce-Type", "dev.saccade.detect.v1", "Ce-Function", "centernet"}
	for _, tt := range []struct {
		name, method, path, key string
		header                  []string
		want                    int
	}{
		{"nobody is healthy too", "GET", "/healthz", "", nil, 200},
		{"a stranger", "POST", detect, "", nil, 401},
		{"a stranger with an event", "POST", events, "", event, 401},
		{"a wrong key", "POST", detect, keys["camera"] + "x", nil, 401},
		{"a key for the function", "POST", detect, keys["camera"], nil, 200},
		{"the same by event", "POST", events, keys["camera"], event, 200},
		{"later", "POST", detect, keys["camera"], []string{"Prefer", "respond-async"}, 202},
		{"a key for another function", "POST", detect, keys["other"], nil, 403},
		{"the same by event, which is not sent again", "POST", events, keys["other"], event, 403},
		{"one that only looks", "POST", detect, keys["viewer"], nil, 403},
		{"and may", "GET", "/v1/functions", keys["viewer"], nil, 200},
		{"and see the bill", "GET", "/v1/costs", keys["viewer"], nil, 200},
		{"metrics are to be read", "GET", "/metrics", keys["camera"], nil, 403},
		{"the first of the day", "POST", detect, keys["slow"], nil, 200},
		{"the second of the day", "POST", detect, keys["slow"], nil, 429},
		{"who may not redrive", "POST", "/v1/jobs/centernet-00000000000000000000000000000000/redrive", keys["camera"], nil, 403},
	} {
		resp := ask(tt.method, tt.path, tt.key, tt.header...)
		if resp.StatusCode != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, resp.StatusCode, tt.want)
		}
		if tt.want == 401 && resp.Header.Get("WWW-Authenticate") == "" || tt.want == 429 && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: the header is %v", tt.name, resp.Header)
		}
		if resp.ProtoMajor != 2 {
			t.Errorf("%s: it is %s", tt.name, resp.Proto)
		}
	}
	for name, key := range keys {
		if _, secret, _ := strings.Cut(strings.TrimPrefix(key, "sk_saccade_"), "_"); strings.Contains(log.String(), secret) {
			t.Errorf("the log has the secret of %s", name)
		}
	}
	if !strings.Contains(log.String(), "caller=key:camera") {
		t.Error("the log does not say who asked")
	}
	// A new certificate is taken without a restart.
	transport.CloseIdleConnections()
	transport.TLSClientConfig = &tls.Config{RootCAs: certify(t, cfg.Access.TLS.CertFile, cfg.Access.TLS.KeyFile, 2)}
	for {
		conn, err := tls.Dial("tcp", listener.Addr().String(), transport.TLSClientConfig)
		if err == nil {
			conn.Close()
			break
		}
		time.Sleep(50 * time.Millisecond) // the test's own deadline ends it
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
