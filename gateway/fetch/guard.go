package fetch

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// guard knows which hosts and addresses pictures may come from. It is asked
// twice: about the URL, and about each address that is dialled.
type guard struct {
	allow, deny []entry
	ports       []uint16
}

func newGuard(o Options) (guard, error) {
	allow, err := parseEntries(o.Allow)
	if err != nil {
		return guard{}, fmt.Errorf("reading the list of allowed hosts: %w", err)
	}
	deny, err := parseEntries(o.Deny)
	if err != nil {
		return guard{}, fmt.Errorf("reading the list of denied hosts: %w", err)
	}
	if o.MaxBytes < 0 || o.Timeout < 0 || o.HeaderTimeout < 0 {
		return guard{}, errors.New("limits on fetched pictures must not be negative")
	}
	ports := slices.Clone(o.Ports)
	if len(ports) == 0 {
		ports = []uint16{80, 443, 8080, 8443}
	}
	return guard{allow: allow, deny: deny, ports: ports}, nil
}

// admit judges h as it stands in a URL. An address is judged at once; of a name
// only what it says of itself, for what it resolves to is judged at dial.
func (g guard) admit(h host, port uint16) error {
	if h.name == "" {
		return g.dialled(h, netip.AddrPortFrom(h.addr, port))
	}
	if names(g.deny, h.name, port) {
		return refusal(h)
	}
	if names(g.allow, h.name, port) {
		return nil
	}
	if local(h.name) {
		return refusal(h)
	}
	// A block on the list may open the port of a private host that has a name.
	// Whether it does is seen at dial.
	opened := func(e entry) bool { return e.block.IsValid() && e.onPort(port) }
	if !slices.Contains(g.ports, port) && !slices.ContainsFunc(g.allow, opened) {
		return portRefusal(h, port)
	}
	return nil
}

// dialled judges at, the very address about to be connected to for h.
func (g guard) dialled(h host, at netip.AddrPort) error {
	addr, port := at.Addr().Unmap(), at.Port()
	if addr.Zone() != "" || !addr.IsValid() {
		return refusal(h)
	}
	if names(g.deny, h.name, port) || holds(g.deny, addr, port) {
		return refusal(h)
	}
	if within(metadata, addr) {
		if slices.ContainsFunc(g.allow, func(e entry) bool { return e.isAddr(addr) && e.onPort(port) }) {
			return nil
		}
		return refusal(h)
	}
	switch {
	case names(g.allow, h.name, port) || holds(g.allow, addr, port):
		return nil
	case !global(addr):
		return refusal(h)
	case !slices.Contains(g.ports, port):
		return portRefusal(h, port)
	}
	return nil
}

// byName tells whether the operator's list names h itself.
func (g guard) byName(h host, port uint16) bool { return names(g.allow, h.name, port) }

func refusal(h host) error {
	return functions.Errorf(functions.Forbidden, "pictures are not fetched from %s", h.given)
}

func portRefusal(h host, port uint16) error {
	return functions.Errorf(functions.Forbidden, "pictures are not fetched from port %d of %s", port, h.given)
}

// local tells whether name is one that the public DNS does not have: a single
// label, which a resolver completes from its search list, or a name under a
// suffix kept for private use (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal,
// and those that home routers and offices took for themselves).
func local(name string) bool {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return true
	}
	switch name[i+1:] {
	case "localhost", "local", "internal", "localdomain", "lan", "intranet", "private",
		"corp", "home", "test", "invalid", "onion", "alt", "arpa":
		return true
	}
	return false
}
