// Package client is the gateway's own Go client; the command line stands on it.
//
// It receives the gateway's address and a picture, as bytes or as a URL for the
// gateway to fetch, and hands on the gateway's reply. What the gateway refuses
// comes back as the functions.Error it was there; where no gateway runs at all the
// error is ErrNoGateway. It refuses to follow redirects, for a picture is sent
// where the user said and nowhere else, and to read a reply without end.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// ErrNoGateway says that nobody listens at the gateway's address.
var ErrNoGateway = errors.New("no gateway is running")

// maxReplyBytes bounds a reply. An annotated picture of the largest size that is
// read, 50 megapixels of noise in PNG, and that in base64, stays below.
const maxReplyBytes = 256 << 20

// Options change how the gateway is reached; the zero value will do.
type Options struct {
	// Transport carries the requests. Default: a transport of the client's own, with
	// net/http's defaults and so the environment's proxy.
	Transport http.RoundTripper
	// Key is the API key that is shown with every request. Default: none.
	Key string
}

// Client speaks to one gateway. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// New is a client of the gateway at base: http://host:8080, https too, a path
// before the API's own if need be, or host:port, which means http.
func New(base string, o Options) (*Client, error) {
	full := base
	if !strings.Contains(full, "://") {
		full = "http://" + full
	}
	u, err := url.Parse(full)
	if err != nil {
		return nil, fmt.Errorf("reading the gateway's address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the gateway's address %q is not of the form http://host:port", base)
	}
	transport := o.Transport
	if transport == nil {
		own, ok := http.DefaultTransport.(*http.Transport)
		if !ok {
			return nil, errors.New("net/http's default transport was replaced: give one in the options")
		}
		transport = own.Clone()
	}
	if o.Key != "" {
		transport = withKey{transport, o.Key}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: u, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// withKey shows an API key with every request.
type withKey struct {
	http.RoundTripper
	key string
}

// RoundTrip satisfies http.RoundTripper.
func (w withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+w.key)
	return w.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (w withKey) CloseIdleConnections() {
	if c, ok := w.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close drops the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Functions are the gateway's functions as it sees them now.
func (c *Client) Functions(ctx context.Context) ([]functions.FunctionStatus, error) {
	var list struct {
		Functions []functions.FunctionStatus `json:"functions"`
	}
	if err := c.get(ctx, &list, "v1", "functions"); err != nil {
		return nil, fmt.Errorf("listing functions: %w", err)
	}
	return list.Functions, nil
}

// Function is the function of that name as the gateway sees it now.
func (c *Client) Function(ctx context.Context, name string) (functions.FunctionStatus, error) {
	var status functions.FunctionStatus
	if err := checkName(name); err != nil {
		return status, err
	}
	if err := c.get(ctx, &status, "v1", "functions", url.PathEscape(name)); err != nil {
		return status, fmt.Errorf("asking for function %q: %w", name, err)
	}
	return status, nil
}

func (c *Client) get(ctx context.Context, into any, path ...string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath(path...).String(), nil)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	return c.do(req, into)
}

// do sends req and reads the reply's JSON into into.
func (c *Client) do(req *http.Request, into any) error {
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		if noGateway(err) {
			return fmt.Errorf("%w at %s", ErrNoGateway, c.base.Redacted())
		}
		return fmt.Errorf("reaching the gateway: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return problem.Read(resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReplyBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the gateway's reply: %w", err)
	case len(text) > maxReplyBytes:
		return fmt.Errorf("the gateway's reply has more than %d bytes", maxReplyBytes)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the gateway's reply: %w", err)
	}
	return nil
}

// noGateway tells whether err means that nobody listens: the port answered so, or
// the socket's file is not there. A host that is unknown or silent may still have
// a gateway.
func noGateway(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// checkName refuses names that a path would not keep apart from others; which
// names there are is the gateway's to say.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." {
		return functions.Errorf(functions.NotFound, "there is no function named %q", name)
	}
	return nil
}
