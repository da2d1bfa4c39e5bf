package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// isOpen decides whether a gateway that listens there lets in requests without a
// credential.
func (o Options) isOpen(listen string, local bool) (bool, error) {
	hasDoors := len(o.Keys) > 0 || o.KeysFile != "" || len(o.Issuers) > 0 || len(o.Certificates) > 0
	switch {
	case o.Open != nil && *o.Open:
		return true, nil
	case hasDoors:
		return false, nil
	case o.Open != nil:
		return false, fmt.Errorf("the gateway is to be closed (open: false), and nothing would open it: make a key with " +
			"`saccade keys new NAME`, or name an issuer or certificates")
	case local:
		return true, nil
	}
	return false, fmt.Errorf("the gateway would listen on %s, where other machines reach it, and let in everybody: "+
		"make a key with `saccade keys new NAME` and name it under keys, name an issuer or certificates, "+
		"listen on 127.0.0.1, or say open: true if everybody may come in", listen)
}

// isLoopback says that an address (host:port) is reached from this machine alone.
// Of names only localhost is known to be.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// browserGuard keeps the pages that a user looks at from using what the user's
// machine may use. A browser is within the walls: it reaches loopback, and shows
// client certificates by itself. Keys and tokens it sends only where a page knows
// them, so their callers are not looked at here.
//
// Two ways lead in. A page of evil.example may send a POST to 127.0.0.1 that needs
// no preflight: the browser says then where it comes from (Sec-Fetch-Site, Origin),
// and net/http.CrossOriginProtection looks at that. Or evil.example lets its own
// name lead to 127.0.0.1 (DNS rebinding): the page is then of the same origin, but
// the request calls the gateway by a name that is not its own.
type browserGuard struct {
	hosts     []string
	anyHost   bool
	crossSite *http.CrossOriginProtection
}

func newBrowserGuard(o Options, local bool) browserGuard {
	return browserGuard{
		hosts: o.Hosts, anyHost: !local && len(o.Hosts) == 0,
		crossSite: http.NewCrossOriginProtection(),
	}
}

// check refuses what a page of another site asks for without a credential, unless
// the page's origin is trusted.
func (g browserGuard) check(r *http.Request, trusts func(origin string) bool) error {
	if !g.anyHost && !g.isOurs(r.Host) {
		return functions.Errorf(functions.NotPermitted,
			"this gateway is not known by the name in this request's Host; use its address or localhost, or list the name under hosts")
	}
	return g.checkOrigin(r, trusts)
}

// checkOrigin looks at the origin alone. For who shows a certificate that is
// enough: a browser does so only when it has found the name it knows the gateway
// by in the gateway's own certificate.
func (g browserGuard) checkOrigin(r *http.Request, trusts func(origin string) bool) error {
	if origin := r.Header.Get("Origin"); origin != "" && trusts(origin) {
		return nil
	}
	if err := g.crossSite.Check(r); err != nil {
		return functions.Errorf(functions.NotPermitted,
			"pages of other sites may not use this gateway unless listed under cors.origins").Because(err)
	}
	return nil
}

// isOurs says whether the gateway may be called by that Host. An address is not
// a name that somebody else could have led here, and .localhost is nobody's (RFC
// 6761, 6.3). Every browser says a Host.
func (g browserGuard) isOurs(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		slices.ContainsFunc(g.hosts, func(pattern string) bool { return matchesHost(strings.ToLower(pattern), host) })
}

// matchesHost compares a host with a name, or with *.name for all below it.
func matchesHost(pattern, host string) bool {
	if below, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, below) && len(host) > len(below)
	}
	return host == pattern
}
