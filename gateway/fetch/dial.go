package fetch

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// dial connects to hostport, which the guard wrote. The guard is asked again for
// every address that the name resolves to, by the dialler itself, on the socket
// that is about to connect: there is no moment between the check and the use in
// which an answer of the DNS could change.
func (f *Fetcher) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	name, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	port, err := portOf("", service)
	if err != nil {
		return nil, err
	}
	h := host{name: name, given: name}
	if addr, err := netip.ParseAddr(name); err == nil {
		h = host{addr: addr, given: name}
	} else if !f.guard.byName(h, port) {
		// Rooted: a name of the public DNS is not completed from the resolver's
		// search list, which leads into the cluster. Names the operator listed are.
		hostport = net.JoinHostPort(name+".", service)
	}
	dialer := &net.Dialer{
		Timeout:  f.dialTimeout,
		Resolver: f.resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return refusal(h)
			}
			return f.guard.dialled(h, at)
		},
	}
	return f.connect(dialer, ctx, network, hostport)
}
