package access

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// Bounds on what an issuer answers.
const (
	maxIssuerBytes     = 512 << 10
	maxIssuerKeys      = 64
	maxIssuerRedirects = 3
	maxSmallFile       = 1 << 20 // certificates and tokens
)

// keySource fetches an issuer's keys. It keeps no connection: a fetch is rare, and
// the files it stands on may be others by the next.
type keySource struct{ opts Issuer }

// fetch returns the issuer's public keys for signatures.
func (s *keySource) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	at := s.opts.JWKSURL
	if at == "" {
		if at, err = s.discover(ctx, client); err != nil {
			return nil, err
		}
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.get(ctx, client, at, &set); err != nil {
		return nil, err
	}
	keys := usable(set.Keys)
	if len(keys) == 0 { // an answer that would lock everybody out is none
		return nil, fmt.Errorf("%s lists no key that a signature can be checked with", at)
	}
	return keys, nil
}

// discover asks the issuer where its keys are (OpenID Connect Discovery 1.0, 4).
func (s *keySource) discover(ctx context.Context, client *http.Client) (string, error) {
	var found oidc.ProviderConfig
	at := strings.TrimSuffix(s.opts.URL, "/") + "/.well-known/openid-configuration"
	if err := s.get(ctx, client, at, &found); err != nil {
		return "", err
	}
	if found.IssuerURL != s.opts.URL {
		return "", fmt.Errorf("%s is of the issuer %.200q, not of %q", at, found.IssuerURL, s.opts.URL)
	}
	if !isKeysURL(found.JWKSURL) {
		return "", fmt.Errorf("%s says that its keys are at %.200q, which is no https URL", at, found.JWKSURL)
	}
	return found.JWKSURL, nil
}

// get reads the JSON at an address.
func (s *keySource) get(ctx context.Context, client *http.Client, at string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	if s.opts.TokenFile != "" && s.isIssuers(req.URL) {
		token, err := readSmall(s.opts.TokenFile)
		if err != nil {
			return err
		}
		if text := strings.TrimSpace(string(token)); text != "" && isVisible(text) {
			req.Header.Set("Authorization", "Bearer "+text)
		} else {
			return fmt.Errorf("%s holds no token", s.opts.TokenFile) // net/http would quote it
		}
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered with the status %d", at, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxIssuerBytes+1))
	if err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	if len(body) > maxIssuerBytes {
		return fmt.Errorf("%s answered more than %d bytes", at, maxIssuerBytes)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading %s: %w", at, err)
	}
	return nil
}

// isIssuers says whether the issuer's own token may be shown there.
func (s *keySource) isIssuers(at *url.URL) bool {
	for _, own := range []string{s.opts.URL, s.opts.JWKSURL} {
		if u, err := url.Parse(own); err == nil && u.Scheme == at.Scheme && u.Host == at.Host {
			return true
		}
	}
	return false
}

// client is made for one fetch; its time is the context's.
func (s *keySource) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.opts.CAFile != "" {
		pool, err := readPool(s.opts.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
			DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxIssuerRedirects || !isKeysURL(req.URL.String()) || req.URL.Scheme != via[0].URL.Scheme {
				return errors.New("the issuer redirects too often, or to where nothing is fetched from")
			}
			return nil
		},
	}, nil
}

// usable are the keys that signatures can be checked with. What is of a kind that
// is not known is passed over (RFC 7517, 5), and so is what is no public key: a
// symmetric key in a public list is everybody's.
func usable(raw []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, text := range raw[:min(len(raw), maxIssuerKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(text, &key) != nil || !key.Valid() || !key.IsPublic() || key.Use == "enc" {
			continue
		}
		if _, symmetric := key.Key.([]byte); symmetric {
			continue
		}
		// The certificates beside a key are not looked at, and would make two answers
		// with the same keys different.
		keys = append(keys, jose.JSONWebKey{Key: crypto.PublicKey(key.Key), KeyID: key.KeyID, Algorithm: key.Algorithm})
	}
	return keys
}

// readPool reads certificates (PEM).
func readPool(path string) (*x509.CertPool, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	return poolOf(path, text)
}

func poolOf(path string, text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return pool, nil
}

func readSmall(path string) ([]byte, error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxSmallFile+1))
	if err == nil && len(text) > maxSmallFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxSmallFile)
	}
	return text, err
}
