package access

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// certificates is the gateway's TLS configuration as its files are now.
type certificates struct {
	opts   TLSOptions
	report func(error)
	now    func() time.Time

	config atomic.Pointer[tls.Config]
	mu     sync.Mutex // the files and reading them
	files  []*file
}

// TLS is the configuration for a server's connections: HTTP/2 and HTTP/1.1, TLS
// 1.2 at least. Its files are looked at as connections come, at most once a
// second, and read again where one has changed; reload does so at once. What is
// faulty then, such as a key that is not its certificate's because only one of
// the two has been written yet, leaves the old in use, and is reported to
// o.Report or returned by reload. Without a certificate config is nil.
//
// Connections that stand stay as they are. The server must have HTTP/2 on
// (http.Protocols), since config offers it. An http.Server writes to its config:
// clone it for a second server.
func TLS(o Options) (config *tls.Config, reload func() error, err error) {
	return newTLS(o, time.Now)
}

func newTLS(o Options, now func() time.Time) (*tls.Config, func() error, error) {
	var f faults
	o.TLS.check(&f)
	if len(f) > 0 {
		return nil, nil, errors.Join(f...)
	}
	if o.TLS.CertFile == "" {
		return nil, func() error { return nil }, nil
	}
	c := &certificates{opts: o.TLS, report: o.Report, now: now}
	if c.report == nil {
		c.report = func(error) {}
	}
	for _, path := range []string{o.TLS.CertFile, o.TLS.KeyFile, o.TLS.ClientCAFile} {
		if path != "" {
			c.files = append(c.files, &file{path: path})
		}
	}
	if err := c.load(); err != nil {
		return nil, nil, err
	}
	outer := c.config.Load().Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c.refresh()
		return c.config.Load(), nil
	}
	return outer, c.reload, nil
}

// load reads all files, which count together or not at all. c.mu is held, or
// nobody else has c yet.
func (c *certificates) load() error {
	texts := map[string][]byte{}
	for _, f := range c.files {
		text, err := f.read(maxSmallFile, c.now())
		if err != nil {
			return err
		}
		texts[f.path] = text
	}
	pair, err := tls.X509KeyPair(texts[c.opts.CertFile], texts[c.opts.KeyFile])
	if err != nil {
		return fmt.Errorf("%s with %s: %w", c.opts.CertFile, c.opts.KeyFile, err)
	}
	if pair.Leaf != nil && c.now().After(pair.Leaf.NotAfter) && c.config.Load() != nil {
		return fmt.Errorf("%s: the new certificate has ended at %s", c.opts.CertFile, pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"},
	}
	if c.opts.ClientCAFile != "" {
		pool, err := poolOf(c.opts.ClientCAFile, texts[c.opts.ClientCAFile])
		if err != nil {
			return err
		}
		config.ClientCAs, config.ClientAuth = pool, tls.VerifyClientCertIfGiven
		if c.opts.RequireClient {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		// A resumed session would bring back a client that was verified by authorities
		// that are no longer trusted.
		config.SessionTicketsDisabled = true
	}
	c.config.Store(config)
	return nil
}

// refresh reads the files again where one has changed. One handshake does; those
// beside it go on with what there is.
func (c *certificates) refresh() {
	if !c.files[0].due(c.now()) || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	changed := false
	for _, f := range c.files {
		changed = f.changed(c.now()) || changed // each is looked at
	}
	if !changed {
		return
	}
	err := c.load()
	if c.files[0].isNews(err) {
		c.report(fmt.Errorf("the TLS certificate stays as it was: %w", err))
	}
}

// reload reads the files now.
func (c *certificates) reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(); err != nil {
		return fmt.Errorf("the TLS certificate stays as it was: %w", err)
	}
	return nil
}
