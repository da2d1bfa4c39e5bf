package fetch

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

// hostile are URLs that must be refused with no connection made and, as none of
// them is worth a lookup, no name asked for.
var hostile = []struct{ why, url string }{
	{"loopback", "http://127.0.0.1/"},
	{"loopback with a port that is open", "http://127.0.0.1:8080/x.jpg"},
	{"loopback elsewhere in its block", "http://127.8.9.1/"},
	{"loopback in https", "https://127.0.0.1/"},
	{"loopback by its name", "http://localhost/"},
	{"loopback by its name in capitals", "http://LOCALHOST:8080/"},
	{"loopback by a name under localhost", "http://a.localhost/"},
	{"loopback by its name and a dot", "http://localhost./"},
	{"loopback by its other name", "http://localhost.localdomain/"},
	{"loopback in IPv6", "http://[::1]/"},
	{"loopback in IPv6 spelled out", "http://[0:0:0:0:0:0:0:1]:8080/"},
	{"unspecified", "http://0.0.0.0/"},
	{"unspecified block", "http://0.1.2.3/"},
	{"unspecified in IPv6", "http://[::]/"},
	{"zero alone", "http://0/"},
	{"private 10/8", "http://10.0.0.1/"},
	{"private 172.16/12, first", "http://172.16.0.1/"},
	{"private 172.16/12, last", "http://172.31.255.255/"},
	{"private 192.168/16", "http://192.168.1.1/"},
	{"cloud metadata", "http://169.254.169.254/latest/meta-data/"},
	{"container credentials", "http://169.254.170.2/v2/credentials"},
	{"cloud metadata in IPv6", "http://[fd00:ec2::254]/latest/meta-data/"},
	{"cloud metadata of Google in IPv6", "http://[fd20:ce::254]/"},
	{"cloud metadata of Google by name", "http://metadata.google.internal/computeMetadata/v1/"},
	{"cloud metadata by one label", "http://metadata/"},
	{"cloud metadata of Alibaba", "http://100.100.100.200/"},
	{"cloud metadata of Oracle", "http://192.0.0.192/"},
	{"cloud platform address of Azure", "http://168.63.129.16/"},
	{"carrier-grade NAT, first", "http://100.64.0.1/"},
	{"carrier-grade NAT, last", "http://100.127.255.254/"},
	{"multicast", "http://224.0.0.1/"},
	{"multicast, administratively scoped", "http://239.255.255.250/"},
	{"multicast in IPv6", "http://[ff02::1]/"},
	{"broadcast", "http://255.255.255.255/"},
	{"reserved", "http://240.0.0.1/"},
	{"documentation 1", "http://192.0.2.1/"},
	{"documentation 2", "http://198.51.100.1/"},
	{"documentation 3", "http://203.0.113.1/"},
	{"documentation in IPv6", "http://[2001:db8::1]/"},
	{"documentation in IPv6, the new block", "http://[3fff::1]/"},
	{"benchmarking", "http://198.19.255.1/"},
	{"benchmarking in IPv6", "http://[2001:2::1]/"},
	{"protocol assignments", "http://192.0.0.8/"},
	{"6to4 relays", "http://192.88.99.1/"},
	{"unique local", "http://[fc00::1]/"},
	{"unique local, chosen", "http://[fd12:3456::1]/"},
	{"link-local in IPv6", "http://[fe80::1]/"},
	{"link-local in IPv6 with a zone", "http://[fe80::1%25eth0]/"},
	{"a zone on a global address", "http://[2606:4700::1%25lo]/"},
	{"site-local", "http://[fec0::1]/"},
	{"IPv4-mapped loopback", "http://[::ffff:127.0.0.1]/"},
	{"IPv4-mapped loopback in hexadecimal", "http://[::ffff:7f00:1]/"},
	{"IPv4-mapped and global", "http://[::ffff:8.8.8.8]/"},
	{"IPv4-compatible", "http://[::127.0.0.1]/"},
	{"NAT64 around metadata", "http://[64:ff9b::a9fe:a9fe]/"},
	{"NAT64 of local use", "http://[64:ff9b:1::1]/"},
	{"6to4 around loopback", "http://[2002:7f00:1::]/"},
	{"Teredo", "http://[2001:0:7f00:1::]/"},
	{"ORCHID", "http://[2001:10::1]/"},
	{"ORCHID, second version", "http://[2001:20::1]/"},
	{"discard", "http://[100::1]/"},
	{"segment routing", "http://[5f00::1]/"},
	{"never handed out", "http://[4000::1]/"},
	{"IPv4 as one number", "http://2130706433/"},
	{"IPv4 as one hexadecimal number", "http://0x7f000001/"},
	{"IPv4 as one octal number", "http://017700000001/"},
	{"IPv4 with a hexadecimal part", "http://0x7f.1/"},
	{"IPv4 with an octal part", "http://0177.0.0.1/"},
	{"IPv4 with leading zeros", "http://127.000.000.001/"},
	{"IPv4 in two parts", "http://127.1/"},
	{"IPv4 in three parts", "http://192.168.257/"},
	{"IPv4 and a dot", "http://127.0.0.1./"},
	{"IPv4 in brackets", "http://[127.0.0.1]/"},
	{"IPv4 with a part too large", "http://127.0.0.256/"},
	{"IPv4 in full-width digits", "http://１２７.０.０.１/"},
	{"IPv4 in circled digits", "http://①②⑦.⓪.⓪.①/"},
	{"IPv4 with an ideographic full stop", "http://127。0。0。1/"},
	{"full-width letters", "http://ｌｏｃａｌｈｏｓｔ/"},
	{"percent-encoded digits", "http://%31%32%37.0.0.1/"},
	{"percent-encoded full-width digits", "http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/"},
	{"soft hyphen in a name", "http://local\u00adhost/"},
	{"a name that ends in a number", "http://example.123/"},
	{"a global name and a dot", "http://example.com./"},
	{"two dots in a name", "http://example..com/"},
	{"a label that begins with a hyphen", "http://-a.example.com/"},
	{"a label of 64 characters", "http://" + strings.Repeat("a", 64) + ".com/"},
	{"a name of 254 characters", "http://" + strings.Repeat("a.", 125) + "comm/"},
	{"one label, as in a cluster", "http://kubernetes/"},
	{"a cluster's service", "http://kubernetes.default.svc.cluster.local/"},
	{"a multicast DNS name", "http://printer.local/"},
	{"a home network's name", "http://router.home.arpa/"},
	{"a reverse lookup's name", "http://1.0.0.127.in-addr.arpa/"},
	{"user name that looks like a host", "http://example.com@127.0.0.1/"},
	{"user name and password", "http://user:secret@example.com/"},
	{"an empty user name", "http://@example.com/"},
	{"a backslash before the at sign", `http://example.com\@127.0.0.1/`},
	{"a backslash for a slash", `http:\\127.0.0.1\`},
	{"two ports", "http://example.com:80:22/"},
	{"a port of mail", "http://example.com:25/"},
	{"a port of a shell", "http://example.com:22/"},
	{"a port of a store", "http://example.com:6379/"},
	{"port zero", "http://example.com:0/"},
	{"a port too large", "http://example.com:65616/"},
	{"a port that is a name", "http://example.com:http/"},
	{"a negative port", "http://example.com:-80/"},
	{"file", "file:///etc/passwd"},
	{"file with a host", "file://localhost/etc/passwd"},
	{"ftp", "ftp://example.com/x.jpg"},
	{"gopher", "gopher://127.0.0.1:6379/_FLUSHALL"},
	{"dict", "dict://127.0.0.1:11211/stat"},
	{"unix socket", "unix:///run/saccade.sock"},
	{"http over a unix socket", "http+unix://%2Frun%2Fsaccade.sock/"},
	{"javascript", "javascript:alert(1)"},
	{"jar", "jar:http://example.com!/x.jpg"},
	{"no scheme", "127.0.0.1/x.jpg"},
	{"no scheme but slashes", "//127.0.0.1/x.jpg"},
	{"no host", "http:///x.jpg"},
	{"no slashes", "http:127.0.0.1/x.jpg"},
	{"nothing", ""},
	{"a space before", " http://127.0.0.1/"},
	{"a space in the host", "http://127.0.0.1 .example.com/"},
	{"a line break in the host", "http://example.com\r\nHost: 127.0.0.1/"},
	{"a tab in the scheme", "ht\ttp://127.0.0.1/"},
	{"a null byte", "http://127.0.0.1\x00.example.com/"},
	{"an open bracket", "http://[::1/"},
	{"text after the bracket", "http://[::1]x/"},
	{"an IPv6 address without brackets", "http://::1/"},
	{"too long", "http://example.com/" + strings.Repeat("a", maxURLBytes)},
	{"too long once its path is escaped", "http://example.com/" + strings.Repeat("\u00e9", maxURLBytes/4)},
}

func TestHostileURLsAreRefusedWithoutALookupOrAConnection(t *testing.T) {
	if len(hostile) < 60 {
		t.Fatalf("the table shrank to %d", len(hostile))
	}
	for _, tt := range hostile {
		t.Run(tt.why, func(t *testing.T) {
			// Everything resolves, so that nothing is refused for want of an address.
			z := newZone(t, func(string, bool) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
			f := newFetcher(t, Options{Resolver: z.resolver()})
			dials := record(f)
			_, err := f.Fetch(t.Context(), tt.url)
			if kind := functions.KindOf(err); kind != functions.Forbidden && kind != functions.Invalid {
				t.Errorf("%q: got %v of kind %s, want it forbidden or invalid", tt.url, err, kind)
			}
			if seen := dials.seen(); seen != nil {
				t.Errorf("%q: dialled %v", tt.url, seen)
			}
			if asked := z.names(); asked != nil {
				t.Errorf("%q: looked up %q", tt.url, asked)
			}
		})
	}
}

func TestPublicURLsAreDialledWhereTheySay(t *testing.T) {
	z := fixed(t, map[string]string{"example.com": "93.184.215.14", "xn--bcher-kva.example.com": "2606:4700::6810:84e5", "a_b.example.com": "1.1.1.1"})
	for _, tt := range []struct{ url, dialled string }{
		{"http://example.com/x.jpg", "93.184.215.14:80"},
		{"HTTPS://Example.COM/x.jpg#part", "93.184.215.14:443"},
		{"https://example.com:8443/x.jpg?a=b", "93.184.215.14:8443"},
		{"http://example.com:/", "93.184.215.14:80"},
		{"http://xn--bcher-kva.example.com:8080/", "[2606:4700::6810:84e5]:8080"},
		{"http://a_b.example.com/", "1.1.1.1:80"},
		{"http://9.9.9.9/", "9.9.9.9:80"},
		{"http://[2606:4700:0:0::6810:84e5]/", "[2606:4700::6810:84e5]:80"},
		{"http://172.32.0.1/", "172.32.0.1:80"},
		{"http://100.128.0.1/", "100.128.0.1:80"},
	} {
		t.Run(tt.url, func(t *testing.T) {
			f := newFetcher(t, Options{Resolver: z.resolver()})
			dials := record(f)
			_, err := f.Fetch(t.Context(), tt.url)
			wantError(t, err, functions.SourceFailed, "did not answer")
			if seen := dials.seen(); len(seen) != 1 || seen[0].String() != tt.dialled {
				t.Errorf("dialled %v, want %s", seen, tt.dialled)
			}
		})
	}
}
