package fetch

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestTheOperatorsLists(t *testing.T) {
	names := map[string]string{
		"minio.corp": "10.1.2.3", "a.minio.corp": "10.1.2.4", "example.com": "93.184.215.14",
		"inside.example.com": "10.1.2.3", "evil.corp": "169.254.169.254", "minio": "127.0.0.1",
		"v6.corp": "fd00::7", "mixed.example.com": "10.1.2.3 93.184.215.14",
	}
	for _, tt := range []struct {
		name        string
		allow, deny []string
		url         string
		dialled     string // empty: forbidden
	}{
		{"a private name is refused at dial", nil, nil, "http://inside.example.com/", ""},
		{"a listed name opens its private address", []string{"inside.example.com"}, nil, "http://inside.example.com/", "10.1.2.3:80"},
		{"a listed name is compared without case", []string{"Inside.Example.com"}, nil, "http://INSIDE.example.COM/", "10.1.2.3:80"},
		{"a listed name opens any port of the host", []string{"minio.corp"}, nil, "http://minio.corp:9000/", "10.1.2.3:9000"},
		{"a listed port opens that port", []string{"minio.corp:9000"}, nil, "http://minio.corp:9000/", "10.1.2.3:9000"},
		{"a listed port opens no other", []string{"minio.corp:9000"}, nil, "http://minio.corp:6379/", ""},
		{"a listed name of one label", []string{"minio"}, nil, "http://minio/", "127.0.0.1:80"},
		{"a listed name opens no name under it", []string{"minio.corp"}, nil, "http://a.minio.corp/", ""},
		{"a suffix opens names under it", []string{"*.corp"}, nil, "http://a.minio.corp/", "10.1.2.4:80"},
		{"a suffix does not open itself", []string{"*.minio.corp"}, nil, "http://minio.corp/", ""},
		{"a suffix ends at a dot", []string{"*.ample.com"}, nil, "http://inside.example.com/", ""},
		{"a listed name opens no metadata service", []string{"*.corp"}, nil, "http://evil.corp/", ""},
		{"a block opens no metadata service", []string{"169.254.0.0/16", "*.corp"}, nil, "http://169.254.169.254/", ""},
		{"the very address opens a metadata service", []string{"169.254.169.254"}, nil, "http://169.254.169.254/", "169.254.169.254:80"},
		{"a block opens an address in it", []string{"10.0.0.0/8"}, nil, "http://10.1.2.3:9000/", "10.1.2.3:9000"},
		{"a block opens a public-looking name in it", []string{"10.0.0.0/8"}, nil, "http://inside.example.com:9000/", "10.1.2.3:9000"},
		{"a block opens no port of others", []string{"10.0.0.0/8"}, nil, "http://example.com:9000/", ""},
		{"a block opens no other block", []string{"10.0.0.0/16"}, nil, "http://10.1.2.3/", ""},
		{"an IPv6 block", []string{"fd00::/8", "v6.corp"}, nil, "http://v6.corp/", "[fd00::7]:80"},
		{"an address with its port", []string{"[fd00::7]:9000"}, nil, "http://[fd00::7]:9000/", "[fd00::7]:9000"},
		{"an address with another port", []string{"[fd00::7]:9000"}, nil, "http://[fd00::7]/", ""},
		{"a mapped address in the list means the IPv4 one", []string{"::ffff:10.1.2.3"}, nil, "http://10.1.2.3/", "10.1.2.3:80"},
		{"a private address beside a public one is passed over", nil, nil, "http://mixed.example.com/", "93.184.215.14:80"},
		{"a denied name", nil, []string{"example.com"}, "http://example.com/", ""},
		{"a denied suffix", nil, []string{"*.example.com"}, "http://mixed.example.com/", ""},
		{"a denied address behind a name", nil, []string{"93.184.215.14"}, "http://example.com/", ""},
		{"a denied block behind a name", nil, []string{"93.184.0.0/16"}, "http://example.com/", ""},
		{"a denied address", nil, []string{"9.9.9.9"}, "http://9.9.9.9/", ""},
		{"deny by name wins over allow", []string{"minio.corp"}, []string{"*.corp"}, "http://minio.corp/", ""},
		{"deny by block wins over allow by name", []string{"minio.corp"}, []string{"10.1.0.0/16"}, "http://minio.corp/", ""},
		{"deny for a port closes that port", []string{"minio.corp"}, []string{"minio.corp:22"}, "http://minio.corp:22/", ""},
		{"deny for a port leaves the others", []string{"minio.corp"}, []string{"minio.corp:22"}, "http://minio.corp/", "10.1.2.3:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFetcher(t, Options{Allow: tt.allow, Deny: tt.deny, Resolver: fixed(t, names).resolver()})
			dials := record(f)
			_, err := f.Fetch(t.Context(), tt.url)
			if tt.dialled == "" {
				wantError(t, err, functions.Forbidden, "pictures are not fetched from")
			}
			var got string
			for _, at := range dials.seen() {
				got += at.String()
			}
			if got != tt.dialled {
				t.Errorf("dialled %q, want %q (%v)", got, tt.dialled, err)
			}
		})
	}
}

func TestListsWithMistakesAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "*", "*.", "a b", "http://host", "host/path", "10.0.0.0/33", "10.0.0.1/8", "host:0", "host:99999",
		"host:", "[::1", "[::1]9000", "fe80::1%eth0", "127.1", "0x7f.1", "host.", "::ffff:10.0.0.0/104",
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := New(Options{Allow: []string{text}}); err == nil {
				t.Errorf("allowing %q was taken", text)
			}
			if _, err := New(Options{Deny: []string{text}}); err == nil {
				t.Errorf("denying %q was taken", text)
			}
		})
	}
	if _, err := New(Options{MaxBytes: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
}

func TestOnlyListedNamesAreCompletedFromTheSearchList(t *testing.T) {
	for url, want := range map[string]string{
		"http://example.com/": "example.com.:80", // rooted: the resolver takes it as it is
		"http://minio.ns/":    "minio.ns:80",
		"http://9.9.9.9/":     "9.9.9.9:80",
	} {
		f := newFetcher(t, Options{Allow: []string{"minio.ns"}})
		var got string
		f.connect = func(_ *net.Dialer, _ context.Context, _, address string) (net.Conn, error) {
			got = address
			return nil, errors.New("not connected")
		}
		_, err := f.Fetch(t.Context(), url)
		wantError(t, err, functions.SourceFailed, "")
		if got != want {
			t.Errorf("%s: dialled %q, want %q", url, got, want)
		}
	}
}
