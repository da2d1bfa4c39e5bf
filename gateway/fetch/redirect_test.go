package fetch

import (
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// redirector sends /n to /n-1, and answers /0 with a picture.
func redirector(t testing.TB, status int) *httptest.Server {
	return newServer(t, func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
		if n == 0 {
			w.Header().Set("Content-Type", "image/gif")
			_, _ = io.WriteString(w, "GIF89a")
			return
		}
		w.Header().Set("Location", fmt.Sprint("/", n-1))
		w.Header().Set("Set-Cookie", "session=1")
		w.WriteHeader(status)
	})
}

func TestRedirectsAreFollowedThreeTimes(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := redirector(t, status)
		f := newFetcher(t, loopback())
		if picture, err := f.Fetch(t.Context(), s.URL+"/3"); err != nil || string(picture) != "GIF89a" {
			t.Errorf("%d: got %q, %v", status, picture, err)
		}
		_, err := f.Fetch(t.Context(), s.URL+"/4")
		wantError(t, err, functions.SourceFailed, "127.0.0.1 redirected more than 3 times")
	}
}

func TestRedirectsCarryNothingAlong(t *testing.T) {
	var second http.Header
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		second = r.Header
		w.Header().Set("Content-Type", "image/gif")
		_, _ = io.WriteString(w, "GIF89a")
	})
	if _, err := newFetcher(t, loopback()).Fetch(t.Context(), s.URL+"/first?secret=1"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Referer", "Cookie", "Authorization"} {
		if got, there := second[name]; there {
			t.Errorf("the second request has %s: %q", name, got)
		}
	}
}

func TestRedirectsToWhereNobodyMayGo(t *testing.T) {
	var reached atomic.Int32
	private := newServer(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	_, port, _ := net.SplitHostPort(private.Listener.Addr().String())
	z := fixed(t, map[string]string{"pictures.example.com": "127.0.0.1", "inside.example.com": "127.0.0.1", "meta.example.com": "169.254.169.254"})

	for _, tt := range []struct {
		name, to string
		kind     functions.Kind
	}{
		{"a private address", "http://10.0.0.1/", functions.Forbidden},
		{"loopback, where a server listens", private.URL + "/secret", functions.Forbidden},
		{"metadata", "http://169.254.169.254/latest/meta-data/", functions.Forbidden},
		{"a name that resolves to loopback", "http://inside.example.com:8080/", functions.Forbidden},
		{"a name that resolves to metadata", "http://meta.example.com/", functions.Forbidden},
		{"an address in one number", "http://2130706433/", functions.Forbidden},
		{"no scheme and a private address", "//10.0.0.1/", functions.Forbidden},
		{"a file", "file:///etc/passwd", functions.Forbidden},
		{"a data URL", "data:image/png;base64,AAAA", functions.Forbidden},
		{"a URL with a password", "http://user:secret@pictures.example.com/", functions.Forbidden},
		{"a port that is not open", "http://example.com:22/", functions.Forbidden},
		{"what is no URL", "http://[::1", functions.SourceFailed},
		{"what is too long", "/" + strings.Repeat("a", maxURLBytes), functions.SourceFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", tt.to)
				w.WriteHeader(http.StatusFound)
			})
			_, from, _ := net.SplitHostPort(s.Listener.Addr().String())
			// One name is listed, for one port: what it redirects to is not.
			f := newFetcher(t, Options{Allow: []string{"pictures.example.com:" + from}, Ports: []uint16{80, 8080, atoi(t, port)}, Resolver: z.resolver()})
			_, err := f.Fetch(t.Context(), "http://pictures.example.com:"+from+"/x.jpg")
			wantError(t, err, tt.kind, "pictures.example.com redirects to ")
			for _, leak := range []string{"inside", "127.0.0.1", "169.254", "10.0.0.1"} {
				if detail := err.(*functions.Error).Detail; strings.Contains(detail, leak) {
					t.Errorf("detail %q names %s", detail, leak)
				}
			}
		})
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the private server was asked %d times", n)
	}
}

func TestRedirectsFromHTTPSToHTTPAreRefused(t *testing.T) {
	plain := redirector(t, 302)
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/0", http.StatusFound))
	t.Cleanup(secure.Close)
	o := loopback()
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AddCert(secure.Certificate())
	_, err := newFetcher(t, o).Fetch(t.Context(), secure.URL)
	wantError(t, err, functions.Forbidden, "127.0.0.1 redirects from https to http")
}

func TestANameThatIsBoundAnewIsRefusedAtDial(t *testing.T) {
	var reached atomic.Int32
	private := newServer(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	port := atoi(t, private.URL[strings.LastIndexByte(private.URL, ':')+1:])

	var lookups sync.Map // how often each family was asked for
	z := newZone(t, func(_ string, v6 bool) []netip.Addr {
		_, again := lookups.LoadOrStore(v6, true)
		switch {
		case v6:
			return nil
		case again:
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
		}
		return []netip.Addr{netip.MustParseAddr("93.184.215.14")}
	})
	f := newFetcher(t, Options{Ports: []uint16{port}, Resolver: z.resolver()})
	dials := record(f)
	url := fmt.Sprintf("http://Rebind.example.com:%d/", port)

	_, err := f.Fetch(t.Context(), url)
	wantError(t, err, functions.SourceFailed, "")
	if seen := dials.seen(); len(seen) != 1 || seen[0].Addr().String() != "93.184.215.14" {
		t.Fatalf("first dialled %v, want the public address", seen)
	}
	f.connect = (*net.Dialer).DialContext // in earnest: the private server listens there
	_, err = f.Fetch(t.Context(), url)
	wantError(t, err, functions.Forbidden, "pictures are not fetched from Rebind.example.com")
	if strings.Contains(err.(*functions.Error).Detail, "127") {
		t.Errorf("detail of %v names the resolved address", err)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the private server was asked %d times", n)
	}
}

func TestAPooledConnectionServesNoOtherName(t *testing.T) {
	s := redirector(t, 302)
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	z := fixed(t, map[string]string{"listed.example.com": "127.0.0.1", "other.example.com": "127.0.0.1"})
	f := newFetcher(t, Options{Allow: []string{"listed.example.com"}, Ports: []uint16{atoi(t, port)}, Resolver: z.resolver()})
	for range 2 { // the second leaves a connection that was used again
		if _, err := f.Fetch(t.Context(), "http://listed.example.com:"+port+"/0"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.Fetch(t.Context(), "http://other.example.com:"+port+"/0")
	wantError(t, err, functions.Forbidden, "other.example.com")
}

func atoi(t testing.TB, text string) uint16 {
	t.Helper()
	port, err := portOf("", text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
