package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestAGatewayIsOpenOnLoopbackAndClosedElsewhereUnlessTold(t *testing.T) {
	key, _ := newKey(t, "k", Grant{})
	keys := []Key{key}
	issuers := []Issuer{{URL: "https://issuer.example", Audiences: []string{"saccade"}}}
	tests := []struct {
		name   string
		listen string
		opts   Options
		open   bool
		fault  string
	}{
		{"IPv4 loopback", "127.0.0.1:8080", Options{}, true, ""},
		{"another address of the loopback network", "127.8.8.8:80", Options{}, true, ""},
		{"IPv6 loopback", "[::1]:8080", Options{}, true, ""},
		{"loopback in IPv6's clothes", "[::ffff:127.0.0.1]:8080", Options{}, true, ""},
		{"localhost", "localhost:8080", Options{}, true, ""},
		{"every address", ":8080", Options{}, false, "saccade keys new"},
		{"every IPv4 address", "0.0.0.0:8080", Options{}, false, "open: true"},
		{"every IPv6 address", "[::]:8080", Options{}, false, "open: true"},
		{"an address of a private network", "10.0.0.7:8080", Options{}, false, "10.0.0.7:8080"},
		{"a name that only begins as localhost", "localhost.example.org:8080", Options{}, false, "open: true"},
		{"a path", "/run/saccade.sock", Options{}, false, "open: true"},
		{"every address, told to be open", ":8080", Options{Open: new(true)}, true, ""},
		{"every address with a key", ":8080", Options{Keys: keys}, false, ""},
		{"every address with an issuer", ":8080", Options{Issuers: issuers}, false, ""},
		{"every address with a key, told to be open", ":8080", Options{Keys: keys, Open: new(true)}, true, ""},
		{"loopback with a key", loopback, Options{Keys: keys}, false, ""},
		{"loopback with a key, told to be open", loopback, Options{Keys: keys, Open: new(true)}, true, ""},
		{"loopback, told to be closed, with no key", loopback, Options{Open: new(false)}, false, "nothing would open it"},
		{"loopback, told to be closed, with a key", loopback, Options{Keys: keys, Open: new(false)}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := New(tt.opts, tt.listen)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("error %v; want one that says %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			_, err = a.Identify(request())
			if a.IsOpen() != tt.open || (err == nil) != tt.open {
				t.Errorf("open: %v, a stranger gets %v; want open: %v", a.IsOpen(), err, tt.open)
			}
			if !tt.open && functions.KindOf(err) != functions.Unauthenticated {
				t.Errorf("a stranger gets %v; want to be asked who it is", err)
			}
		})
	}
}

func TestAnyoneIsAnAdministratorOnLoopbackAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		listen string
		opts   Options
		admin  bool
	}{
		{"loopback", loopback, Options{}, true},
		{"loopback, scopes said", loopback, Options{Anyone: Grant{Scopes: []Scope{ScopeDetect}}}, false},
		{"loopback, where all sites may reach it", loopback, Options{CORS: CORSOptions{Origins: []string{"*"}}}, false},
		{"elsewhere", ":80", Options{Open: new(true)}, false},
		{"elsewhere, scopes said", ":80", Options{Open: new(true), Anyone: Grant{Scopes: Scopes}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := open(t, tt.opts, tt.listen)
			c, err := a.Identify(request())
			if err != nil {
				t.Fatal(err)
			}
			if (c.Has(ScopeAdmin) == nil) != tt.admin || c.Has(ScopeDetect) != nil || c.MayUse("any") != nil || c.Via != ViaOpen {
				t.Errorf("anyone is %+v; want an administrator: %v", c, tt.admin)
			}
		})
	}
}

// A page that a user looks at can send requests to the user's own machine.
func TestAnOpenGatewayIsNotOpenToPagesInTheBrowser(t *testing.T) {
	post, get := http.MethodPost, http.MethodGet
	key, text := newKey(t, "k", Grant{})
	opts := Options{Hosts: []string{"Saccade.lan", "*.dev.example"}, CORS: CORSOptions{Origins: []string{"https://app.example.org"}}}
	told := Options{Open: new(true)}
	keyed := Options{Open: new(true), Keys: []Key{key}}
	tests := []struct {
		name   string
		opts   Options
		listen string
		method string
		host   string
		fields []string
		in     bool
	}{
		{"a program", opts, loopback, post, "127.0.0.1:8080", nil, true},
		{"by IPv6", opts, loopback, post, "[::1]:8080", nil, true},
		{"by localhost", opts, loopback, post, "localhost:8080", nil, true},
		{"by localhost with a dot", opts, loopback, post, "LOCALHOST.:8080", nil, true},
		{"by a name below localhost", opts, loopback, post, "saccade.localhost", nil, true},
		{"by a name that is listed", opts, loopback, post, "saccade.LAN:8080", nil, true},
		{"by a name below one that is listed", opts, loopback, get, "a.b.dev.example", nil, true},
		{"without a Host, as HTTP/1.0 may", opts, loopback, get, "", nil, true},
		{"a name that leads here by DNS rebinding", opts, loopback, get, "evil.example:8080", nil, false},
		{"the same, with the origin of that page", opts, loopback, post, "evil.example:8080", []string{"Origin: http://evil.example:8080", "Sec-Fetch-Site: same-origin"}, false},
		{"a name that ends as a listed one", opts, loopback, get, "evilsaccade.lan", nil, false},
		{"a name that begins with an address", opts, loopback, get, "127.0.0.1.nip.io", nil, false},
		{"the name above those that are listed", opts, loopback, get, "dev.example", nil, false},
		{"a name that is not quite localhost", opts, loopback, get, "notlocalhost", nil, false},
		{"a simple POST of another site", opts, loopback, post, "127.0.0.1:8080", []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"}, false},
		{"the same by an old browser", opts, loopback, post, "127.0.0.1:8080", []string{"Origin: https://evil.example"}, false},
		{"a POST of a sandboxed page", opts, loopback, post, "127.0.0.1:8080", []string{"Origin: null"}, false},
		{"a POST of another port's page", opts, loopback, post, "localhost:8080", []string{"Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"}, false},
		{"a POST without an origin that is told to be cross-site", opts, loopback, post, "127.0.0.1:8080", []string{"Sec-Fetch-Site: cross-site"}, false},
		{"a POST of a listed site", opts, loopback, post, "127.0.0.1:8080", []string{"Origin: https://app.example.org", "Sec-Fetch-Site: cross-site"}, true},
		{"a POST of the gateway's own page", opts, loopback, post, "localhost:8080", []string{"Origin: http://localhost:8080", "Sec-Fetch-Site: same-origin"}, true},
		{"what the user typed", opts, loopback, get, "localhost:8080", []string{"Sec-Fetch-Site: none"}, true},
		{"a GET of another site, which cannot read the answer", opts, loopback, get, "localhost:8080", []string{"Sec-Fetch-Site: cross-site"}, true},
		{"a gateway open elsewhere, by any name", told, ":80", post, "saccade.example.org", nil, true},
		{"a gateway open elsewhere, a simple POST of another site", told, ":80", post, "saccade.example.org", []string{"Origin: https://evil.example"}, false},
		{"a gateway open elsewhere, names listed, by another", Options{Open: new(true), Hosts: []string{"saccade.lan"}}, ":80", post, "evil.example", nil, false},
		{"a key by a name that is not listed: a page does not have it", keyed, loopback, post, "evil.example", []string{"Authorization: Bearer " + text, "Origin: https://evil.example"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := open(t, tt.opts, tt.listen)
			r := httptest.NewRequest(tt.method, "/", nil)
			r.Host = tt.host
			for _, field := range tt.fields {
				name, value, _ := strings.Cut(field, ": ")
				r.Header.Set(name, value)
			}
			_, err := a.Identify(r)
			if (err == nil) != tt.in {
				t.Errorf("it gets %v; want to be let in: %v", err, tt.in)
			}
			if err != nil && functions.KindOf(err) != functions.NotPermitted {
				t.Errorf("it is refused as %s; want %s", functions.KindOf(err), functions.NotPermitted)
			}
		})
	}
}
