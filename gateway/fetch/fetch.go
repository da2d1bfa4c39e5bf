// Package fetch gets a request's picture from where the request says it is, and
// gets it safely.
//
// It receives an http, https or data URL, base64 text, or the body of an upload,
// and hands on the picture's bytes, undecoded, or a functions.Error. It refuses
// addresses that are not on the public internet (unless the operator's list
// opens them), bodies over the byte limit, answers that are no picture, and far
// sides slower than the time limit. What it tells the caller names hosts as the
// caller wrote them: never an address they resolved to, never the text of a Go
// error.
//
// A stranger chooses the URL, so every decision is made twice. The guard reads
// the URL before anything is sent (target.go), and the dialler asks the guard
// again about the very address it is about to connect to (dial.go): what a name
// resolved to a moment ago does not matter, so DNS rebinding gains nothing.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"
)

// Limits that an operator need not set.
const (
	// maxRedirects is the most hops after the first request.
	maxRedirects = 3
	// maxHeaderBytes bounds the header of an answer.
	maxHeaderBytes = 64 << 10
	// maxURLBytes bounds an http(s) URL. Signed object-store URLs reach 2 KiB.
	maxURLBytes = 8 << 10
)

// Defaults of [Options].
const (
	DefaultMaxBytes      = 20_000_000
	DefaultTimeout       = 10 * time.Second
	DefaultHeaderTimeout = 5 * time.Second
)

// Options say where pictures may come from and how large and slow they may be.
// Zero values mean the defaults.
type Options struct {
	// MaxBytes is the most bytes of a picture, after any transfer compression is
	// undone. Default 20 MB.
	MaxBytes int64
	// Timeout is for the whole fetch: lookups, redirects and the last byte. It is
	// also what ends a far side that dribbles. Default 10s.
	Timeout time.Duration
	// HeaderTimeout is how long one connection may take to stand and, after that,
	// one answer's header to arrive. Default 5s.
	HeaderTimeout time.Duration
	// Ports are the ports open on public hosts. Default: 80, 443, 8080 and 8443.
	Ports []uint16
	// Allow opens hosts that are not on the public internet, and any port of a
	// host. An entry is a host name, *.suffix (every name under suffix), an IP
	// address or a CIDR block; names and addresses may carry :port, which opens
	// that port alone. A name opens whatever it resolves to, and a block what lies
	// in it, except the cloud metadata services and the link-local ranges: of
	// those only an entry for the very address opens one. Public hosts need no
	// entry.
	Allow []string
	// Deny closes hosts, in the same notation, and wins over Allow. The platform's
	// own public addresses and a site's NAT64 prefix belong here.
	Deny []string
	// RootCAs verify https hosts. Default: the system's.
	RootCAs *x509.CertPool
	// Resolver looks names up. Default: net.DefaultResolver.
	Resolver *net.Resolver
}

// Fetcher fetches pictures. It is safe for concurrent use.
type Fetcher struct {
	guard     guard
	maxBytes  int64
	timeout   time.Duration
	transport *http.Transport
	resolver  *net.Resolver
	// dialTimeout is for one connection, the lookup of its name included.
	dialTimeout time.Duration
	// connect is (*net.Dialer).DialContext but for tests.
	connect func(d *net.Dialer, ctx context.Context, network, address string) (net.Conn, error)
}

// New checks o and makes a Fetcher of it. The Fetcher keeps idle connections:
// close it when done.
func New(o Options) (*Fetcher, error) {
	g, err := newGuard(o)
	if err != nil {
		return nil, err
	}
	f := &Fetcher{
		guard:       g,
		maxBytes:    orDefault(o.MaxBytes, DefaultMaxBytes),
		timeout:     orDefault(o.Timeout, DefaultTimeout),
		dialTimeout: orDefault(o.HeaderTimeout, DefaultHeaderTimeout),
		resolver:    o.Resolver,
		connect:     (*net.Dialer).DialContext,
	}
	// Pooled connections are safe to use again. The pool's key is scheme, host and
	// port as the guard wrote them; a connection in it was let through at dial for
	// that same key, and it stays joined to the address it was dialled to. A name
	// that is not allow-listed thus cannot be served over a connection that was
	// let through for one that is, even where both resolve to one address. HTTP/2,
	// whose connections may carry several names, is off: Go turns it off where
	// DialContext is set.
	f.transport = &http.Transport{
		Proxy:                  nil, // a proxy would dial for us, unguarded
		DialContext:            f.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    f.dialTimeout,
		ResponseHeaderTimeout:  f.dialTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // or gzip would be asked for and undone without a bound
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
	}
	return f, nil
}

// MaxBytes is the most bytes of a picture, for doors that read uploads.
func (f *Fetcher) MaxBytes() int64 { return f.maxBytes }

// Close drops the idle connections.
func (f *Fetcher) Close() { f.transport.CloseIdleConnections() }

// Fetch returns the bytes of the picture at rawURL, an http, https or data URL.
//
// Errors are functions.Errors: Invalid for what is no URL, Forbidden for an
// address that is not fetched from, TooLarge, SourceFailed and SourceTimeout.
// Where ctx ended the error wraps ctx's instead.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) ([]byte, error) {
	return f.FetchHeld(ctx, rawURL, nil)
}

// FetchHeld is [Fetcher.Fetch] with the picture's bytes read through held as they come.
// What held refuses as Busy is the error.
func (f *Fetcher) FetchHeld(ctx context.Context, rawURL string, held Held) ([]byte, error) {
	if isData(rawURL) {
		return Data(rawURL, f.maxBytes)
	}
	at, err := f.guard.target(rawURL)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	picture, last, err := f.follow(limited, at, held)
	if err != nil {
		return nil, f.explain(ctx, limited, last, err)
	}
	return picture, nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
