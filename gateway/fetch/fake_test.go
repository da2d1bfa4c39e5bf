package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// newFetcher makes a Fetcher that the test's end closes.
func newFetcher(t testing.TB, o Options) *Fetcher {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// newServer serves handler on loopback, which a Fetcher reaches where its list
// allows 127.0.0.1.
func newServer(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

// loopback are Options that let the servers of tests be reached.
func loopback() Options { return Options{Allow: []string{"127.0.0.1"}} }

// recorder stands where sockets connect: it lets the guard judge every address
// as in earnest, notes those let through, and connects to none.
type recorder struct {
	mu     sync.Mutex
	dialed []netip.AddrPort
}

// record puts a recorder into f.
func record(f *Fetcher) *recorder {
	r := &recorder{}
	f.connect = func(d *net.Dialer, ctx context.Context, network, address string) (net.Conn, error) {
		judge := d.ControlContext
		d.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
			if err := judge(ctx, network, address, c); err != nil {
				return err
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.dialed = append(r.dialed, netip.MustParseAddrPort(address))
			return errors.New("recorded, not connected")
		}
		return d.DialContext(ctx, network, address)
	}
	return r
}

func (r *recorder) seen() []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.dialed)
}

// wantError fails the test where err is not of kind, or its detail lacks says.
func wantError(t testing.TB, err error, kind functions.Kind, says string) {
	t.Helper()
	e, ok := errors.AsType[*functions.Error](err)
	if !ok {
		t.Fatalf("got error %v, want a functions.Error of kind %s", err, kind)
	}
	if e.Kind != kind || !strings.Contains(e.Detail, says) {
		t.Fatalf("got %s: %q (%v), want %s with %q in it", e.Kind, e.Detail, e.Cause, kind, says)
	}
}
