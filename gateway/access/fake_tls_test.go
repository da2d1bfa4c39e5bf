package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// authority signs certificates.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{key, must(x509.ParseCertificate(raw)), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate and its key (PEM).
func (a *authority) issue(t testing.TB, serial int64, change func(*x509.Certificate)) (cert, key []byte) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if change != nil {
		change(template)
	}
	raw := must(x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key))
	der := must(x509.MarshalPKCS8PrivateKey(private))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// files of a gateway's TLS, in a folder of the test.
type tlsFiles struct{ TLSOptions }

func newTLSFiles(t testing.TB, ca *authority) tlsFiles {
	t.Helper()
	dir := t.TempDir()
	f := tlsFiles{TLSOptions{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), ClientCAFile: filepath.Join(dir, "ca.crt")}}
	f.write(t, ca, 100)
	put(t, f.ClientCAFile, ca.pem)
	return f
}

func (f tlsFiles) write(t testing.TB, ca *authority, serial int64) {
	t.Helper()
	cert, key := ca.issue(t, serial, nil)
	put(t, f.CertFile, cert)
	put(t, f.KeyFile, key)
}

// serve answers each request with the caller's id on a TLS connection.
func serve(t testing.TB, config *tls.Config, a *Access) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{TLSConfig: config.Clone(), ErrorLog: quiet(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a == nil {
			fmt.Fprint(w, r.Proto)
			return
		}
		c, err := a.Identify(r)
		if err != nil {
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, functions.KindOf(err))
			return
		}
		fmt.Fprint(w, c.ID())
	})}
	var group sync.WaitGroup
	group.Go(func() { _ = server.ServeTLS(listener, "", "") })
	t.Cleanup(func() { server.Close(); group.Wait() })
	return "https://" + listener.Addr().String()
}

// ask makes a request on a connection of its own.
func ask(at string, config *tls.Config, fields ...string) (answer string, state *tls.ConnectionState, err error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	req, err := http.NewRequest(http.MethodPost, at, nil)
	if err != nil {
		return "", nil, err
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), resp.TLS, err
}
