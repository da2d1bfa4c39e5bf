package fetch

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// FuzzFetchNeverDialsANonGlobalAddress gives the stranger the URL and what the
// DNS answers. Nothing may be let through to a socket but a global address on an
// open port, judged here by other code than the guard's own.
func FuzzFetchNeverDialsANonGlobalAddress(f *testing.F) {
	for i, tt := range hostile {
		f.Add(tt.url, []byte{byte(i), 0, 0, 1})
	}
	f.Add("http://example.com/", []byte{127, 0, 0, 1})
	f.Add("http://example.com/", []byte{93, 184, 215, 14})
	f.Add("https://example.com:8443/", []byte("\x26\x06\x47\x00\x00\x00\x00\x00\x00\x00\x00\x00\x68\x10\x84\xe5"))
	f.Add("https://example.com/", []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x00\x01"))
	f.Add("data:image/png;base64,iVBORw==", []byte{})
	f.Add("data:image/bmp,BM%00", []byte{})
	f.Fuzz(func(t *testing.T, rawURL string, resolved []byte) {
		z := newZone(t, func(_ string, v6 bool) []netip.Addr {
			if addr, ok := netip.AddrFromSlice(resolved); ok && addr.Is6() == v6 {
				return []netip.Addr{addr}
			}
			return nil
		})
		fetcher := newFetcher(t, Options{MaxBytes: 1 << 10, Resolver: z.resolver()})
		dials := record(fetcher)
		picture, err := fetcher.Fetch(t.Context(), rawURL)
		for _, at := range dials.seen() {
			if !surelyGlobal(at.Addr()) {
				t.Fatalf("%q with %v in the DNS: dialled %v", rawURL, resolved, at)
			}
			if p := at.Port(); p != 80 && p != 443 && p != 8080 && p != 8443 {
				t.Fatalf("%q: dialled port %d", rawURL, p)
			}
		}
		switch kind := functions.KindOf(err); {
		case err == nil && (len(picture) == 0 || !isData(rawURL)):
			t.Fatalf("%q gave %d bytes from nowhere", rawURL, len(picture))
		case err != nil && kind == functions.Internal:
			t.Fatalf("%q: %v is an internal error", rawURL, err)
		}
	})
}

// FuzzRedirect gives the stranger the Location header. A target that is let
// through, from there or from a caller, must read back as itself: a URL that two
// readers understand in two ways would be judged as one and fetched as the other.
func FuzzRedirect(f *testing.F) {
	for _, tt := range hostile {
		f.Add(tt.url)
	}
	for _, location := range []string{"/x", "../x?y#z", "?q", "", "//Example.com:8080/%2f", "https://[2606:4700::1]/", "http://example.com/\u00e9?\u00e9"} {
		f.Add(location)
	}
	g, err := newGuard(Options{})
	if err != nil {
		f.Fatal(err)
	}
	first, err := g.target("http://example.com/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, location string) {
		next, err := g.redirect(first, location)
		if err != nil {
			if kind := functions.KindOf(err); kind != functions.Forbidden && kind != functions.SourceFailed {
				t.Fatalf("%q: %v is of kind %s", location, err, kind)
			}
			return
		}
		if !next.hop || next.asked != "example.com" {
			t.Fatalf("%q: %+v forgets who was asked", location, next)
		}
		again, err := g.target(next.url)
		if err != nil || again.url != next.url || again.scheme != next.scheme {
			t.Fatalf("%q: became %q, which reads back as %q (%v)", location, next.url, again.url, err)
		}
	})
}

// surelyGlobal is a second opinion on addresses, by net/netip and text.
func surelyGlobal(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || a.Is4In6() {
		return false
	}
	if a.Is4() {
		for _, head := range []string{"0.", "127.", "169.254.", "192.0.0.", "192.0.2.", "192.88.99.", "198.18.", "198.19.", "198.51.100.", "203.0.113."} {
			if strings.HasPrefix(a.String(), head) {
				return false
			}
		}
		b := a.As4()
		return b[0] < 224 && (b[0] != 100 || b[1] < 64 || b[1] > 127) && a.String() != "168.63.129.16"
	}
	b := a.As16()
	first, second := uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
	return first >= 0x2000 && first < 0x4000 && first != 0x2002 &&
		(first != 0x2001 || second >= 0x200 && second != 0xdb8) && (first != 0x3fff || second >= 0x1000)
}
