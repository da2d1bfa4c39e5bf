package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// entry is one line of an operator's list: a name, a suffix or a block, and the
// port it is meant for.
type entry struct {
	// name is a host name in lower case, empty where the entry is a block. Where
	// under is set it stands for every name that ends in a dot and name.
	name  string
	under bool
	// block is a CIDR block; one address is a block of its own.
	block netip.Prefix
	// port is 0 for any.
	port uint16
}

func (e entry) onPort(port uint16) bool { return e.port == 0 || e.port == port }

func (e entry) isName(name string) bool {
	if e.name == "" || name == "" {
		return false
	}
	if e.under {
		return strings.HasSuffix(name, "."+e.name)
	}
	return name == e.name
}

// isAddr tells whether e is for addr alone, no block around it.
func (e entry) isAddr(addr netip.Addr) bool { return e.block.IsSingleIP() && e.block.Addr() == addr }

// names tells whether one of list is for the host name on port.
func names(list []entry, name string, port uint16) bool {
	return slices.ContainsFunc(list, func(e entry) bool { return e.isName(name) && e.onPort(port) })
}

// holds tells whether one of list is for addr, which is unmapped, on port.
func holds(list []entry, addr netip.Addr, port uint16) bool {
	return slices.ContainsFunc(list, func(e entry) bool { return e.block.Contains(addr) && e.onPort(port) })
}

func parseEntries(list []string) ([]entry, error) {
	var entries []entry
	var faults []error
	for _, text := range list {
		e, err := parseEntry(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%q: %w", text, err))
			continue
		}
		entries = append(entries, e)
	}
	return entries, errors.Join(faults...)
}

func parseEntry(text string) (entry, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if block, err := netip.ParsePrefix(text); err == nil {
		// A block in the mapped range would never match: addresses are unmapped first.
		if block.Addr().Is4In6() {
			return entry{}, errors.New("an IPv4 block is written as such, not as IPv4 in IPv6")
		}
		if block != block.Masked() {
			return entry{}, fmt.Errorf("bits are set past the block's length; meant is perhaps %s", block.Masked())
		}
		return entry{block: block}, nil
	}
	text, port, err := cutPort(text)
	if err != nil {
		return entry{}, err
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Zone() != "" {
			return entry{}, errors.New("addresses with a zone are never fetched from")
		}
		addr = addr.Unmap()
		return entry{block: netip.PrefixFrom(addr, addr.BitLen()), port: port}, nil
	}
	suffix, under := strings.CutPrefix(text, "*.")
	if !plainName(suffix) {
		return entry{}, errors.New("neither a host name, *.suffix, an address nor a CIDR block")
	}
	return entry{name: suffix, under: under, port: port}, nil
}

// cutPort cuts :port off host:port and [address]:port.
func cutPort(text string) (string, uint16, error) {
	name, given, found := text, "", false
	if inside, ok := strings.CutPrefix(text, "["); ok {
		address, rest, closed := strings.Cut(inside, "]")
		if !closed {
			return "", 0, errors.New("a bracket is open")
		}
		name = address
		if given, found = strings.CutPrefix(rest, ":"); !found && rest != "" {
			return "", 0, errors.New("after the bracket only :port may stand")
		}
	} else if strings.Count(text, ":") == 1 { // more of them are an IPv6 address
		name, given, found = strings.Cut(text, ":")
	}
	if !found {
		return name, 0, nil
	}
	port, err := strconv.ParseUint(given, 10, 16)
	if err != nil || port == 0 {
		return "", 0, errors.New("the port must be 1 to 65535")
	}
	return name, uint16(port), nil
}
