package fetch

import (
	"net/netip"
	"slices"
)

// global tells whether addr, unmapped and without a zone, is one that the whole
// internet can mean: not in IANA's special-purpose registries, and in IPv6 inside
// the one range IANA hands out as global unicast.
//
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and
// its updates), IANA IPv6 Address Space and IPv4 Multicast registries.
func global(addr netip.Addr) bool {
	if addr.Is4() {
		return !within(special4, addr)
	}
	// Everything outside 2000::/3 goes here in one stroke: unspecified, loopback,
	// IPv4-mapped and -compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard
	// (100::/64), segment routing (5f00::/16), unique local (fc00::/7), link-local
	// (fe80::/10), site-local (fec0::/10), multicast (ff00::/8), and whatever IANA
	// has yet to hand out.
	return globalUnicast.Contains(addr) && !within(special6, addr)
}

func within(blocks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return b.Contains(addr) })
}

var globalUnicast = netip.MustParsePrefix("2000::/3")

var special4 = prefixes(
	"0.0.0.0/8",       // this network, the unspecified address (RFC 791, RFC 1122)
	"10.0.0.0/8",      // private use (RFC 1918)
	"100.64.0.0/10",   // shared: carrier-grade NAT (RFC 6598)
	"127.0.0.0/8",     // loopback (RFC 1122)
	"169.254.0.0/16",  // link-local (RFC 3927)
	"172.16.0.0/12",   // private use (RFC 1918)
	"192.0.0.0/24",    // IETF protocol assignments (RFC 6890)
	"192.0.2.0/24",    // documentation (RFC 5737)
	"192.88.99.0/24",  // 6to4 relays, withdrawn (RFC 7526)
	"192.168.0.0/16",  // private use (RFC 1918)
	"198.18.0.0/15",   // benchmarking (RFC 2544)
	"198.51.100.0/24", // documentation (RFC 5737)
	"203.0.113.0/24",  // documentation (RFC 5737)
	"224.0.0.0/4",     // multicast (RFC 5771)
	"240.0.0.0/4",     // reserved, and limited broadcast (RFC 1112, RFC 8190)
)

// special6 is what is special inside 2000::/3. 6to4 and Teredo carry an IPv4
// address of anybody's choice within them.
var special6 = prefixes(
	"2001::/23",     // IETF protocol assignments: Teredo, benchmarking, ORCHID (RFC 2928)
	"2001:db8::/32", // documentation (RFC 3849)
	"2002::/16",     // 6to4 (RFC 3056)
	"3fff::/20",     // documentation (RFC 9637)
)

// metadata are addresses at which clouds hand credentials to the machine that
// asks, and the link-local ranges most of them lie in. They are refused even
// where the operator's list has the host's name or a block around them: a name is
// answered by somebody's DNS, and who opens 100.64.0.0/10 hardly means these.
var metadata = prefixes(
	"169.254.0.0/16",     // link-local: AWS, Azure, Google Cloud, OpenStack; ECS and EKS roles
	"fe80::/10",          // link-local
	"fd00:ec2::/32",      // AWS
	"fd20:ce::254/128",   // Google Cloud
	"100.100.100.200/32", // Alibaba Cloud
	"168.63.129.16/32",   // Azure's platform address, global by registry yet host-local in effect
	"192.0.0.192/32",     // Oracle Cloud
)

func prefixes(list ...string) []netip.Prefix {
	blocks := make([]netip.Prefix, len(list))
	for i, text := range list {
		blocks[i] = netip.MustParsePrefix(text)
	}
	return blocks
}
