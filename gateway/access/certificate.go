package access

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// byCertificate is the caller whose certificate the connection showed; shown says
// whether it did. Only what the TLS handshake has verified counts, and since a
// connection may outlive its certificate, the time is looked at again.
func byCertificate(state *tls.ConnectionState, rules []Certificate, now time.Time) (c Caller, shown bool, err error) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return Caller{}, false, nil
	}
	leaf := state.VerifiedChains[0][0]
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return Caller{}, true, functions.Errorf(functions.Unauthenticated, "the client certificate has expired")
	}
	for _, rule := range rules {
		if name, ok := rule.matches(leaf); ok {
			return caller(ViaCertificate, name, rule.Grant.withDefaults(ScopeDetect, ScopeRead)), true, nil
		}
	}
	return Caller{}, true, functions.Errorf(functions.NotPermitted, "the client certificate is of nobody who may come in")
}

// matches says whether a rule is about the certificate, and the name that it
// knows it by: the first in the rule's order.
func (c Certificate) matches(leaf *x509.Certificate) (name string, ok bool) {
	uris := make([]string, 0, len(leaf.URIs))
	for _, uri := range leaf.URIs {
		uris = append(uris, uri.String())
	}
	for _, one := range []struct {
		pattern string
		names   []string
	}{
		{c.URI, uris}, {c.DNS, leaf.DNSNames}, {c.Email, leaf.EmailAddresses}, {c.CommonName, []string{leaf.Subject.CommonName}},
	} {
		if one.pattern == "" {
			continue
		}
		at := slices.IndexFunc(one.names, func(n string) bool { return isTellable(n) && matches(one.pattern, n) })
		if at < 0 {
			return "", false
		}
		if name == "" {
			name = one.names[at]
		}
	}
	return name, name != ""
}

// isTellable says that a name can be shown in a log, and is one. A token's subject
// has at most as many bytes (OpenID Connect Core 1.0, 2).
func isTellable(name string) bool {
	return name != "" && len(name) <= maxPatternBytes && isVisible(strings.ReplaceAll(name, " ", ""))
}
