package access

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bounds on what an operator writes and on what comes from strangers.
const (
	maxNameBytes    = 63  // a name of a key or function
	maxPatternBytes = 255 // a pattern, and a claim that is matched with one
	maxClaimDots    = 8   // the depth of a nested claim's name
	maxSkew         = 5 * time.Minute
)

// faults collects what is wrong, each with where.
type faults []error

func (f *faults) add(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Check says all that is wrong with o at once. It reads no file and asks nobody.
func (o Options) Check() error {
	var f faults
	o.Anyone.check(&f, "anyone")
	for _, host := range o.Hosts {
		f.add(isHostPattern(host), "hosts: %q is no host name (without scheme and port)", host)
	}
	f = append(f, checkKeys("keys", o.Keys)...)
	for i, issuer := range o.Issuers {
		at := fmt.Sprintf("issuers[%d]", i)
		issuer.check(&f, at)
		f.add(!slices.ContainsFunc(o.Issuers[:i], func(other Issuer) bool { return other.URL == issuer.URL }),
			"%s.url: %s is there twice", at, issuer.URL)
	}
	for i, c := range o.Certificates {
		at := fmt.Sprintf("certificates[%d]", i)
		f.add(c.URI+c.DNS+c.Email+c.CommonName != "", "%s: none of uri, dns, email and commonName is given", at)
		c.Grant.check(&f, at)
	}
	f.add(len(o.Certificates) == 0 || o.TLS.ClientCAFile != "", "certificates: tls.clientCAFile is missing, by which they are verified")
	o.TLS.check(&f)
	o.CORS.check(&f)
	return errors.Join(f...)
}

func (g Grant) check(f *faults, at string) {
	f.add(g.Functions == nil || len(g.Functions) > 0, "%s.functions: an empty list; name some, or leave it out for all", at)
	for _, pattern := range g.Functions {
		f.add(isFunctionPattern(pattern), "%s.functions: %q is no function's name, nor a pattern of one", at, pattern)
	}
	f.add(g.Scopes == nil || len(g.Scopes) > 0, "%s.scopes: an empty list; name some, or leave it out for detect and read", at)
	for _, scope := range g.Scopes {
		f.add(slices.Contains(Scopes, scope), "%s.scopes: %q is none of detect, read and admin", at, scope)
	}
	f.add(g.Rate >= 0 && !math.IsInf(g.Rate, 0), "%s.rate: %v is no number of requests a second", at, g.Rate)
	f.add(g.Burst >= 0, "%s.burst: %d is negative", at, g.Burst)
	f.add(g.Burst == 0 || g.Rate > 0, "%s.burst: it means nothing without a rate", at)
	f.add(g.PerDay >= 0, "%s.perDay: %d is negative", at, g.PerDay)
}

// checkKeys looks at keys that must not share a name or an id.
func checkKeys(where string, keys []Key) faults {
	var f faults
	names, ids := map[string]bool{}, map[string]bool{}
	for i, key := range keys {
		at := fmt.Sprintf("%s[%d]", where, i)
		f.add(isName(key.Name), "%s.name: %q is no name: letters, digits, and . - _ @ / inside, at most %d", at, key.Name, maxNameBytes)
		f.add(!names[key.Name], "%s.name: %q is another key's too", at, key.Name)
		f.add(isKeyID(key.ID), "%s.id: %q is no id: lower-case letters, digits and -, at most %d", at, key.ID, maxIDBytes)
		f.add(!ids[key.ID], "%s.id: %q is another key's too", at, key.ID)
		if _, err := parseHash(key.Hash); err != nil {
			f.add(false, "%s.hash: %w", at, err) // shows no hash, which may be a secret put there by mistake
		}
		key.Grant.check(&f, at)
		names[key.Name], ids[key.ID] = true, true
	}
	return f
}

func (i Issuer) check(f *faults, at string) {
	f.add(isIssuerURL(i.URL), "%s.url: %q is no https URL (http on loopback alone) without user, query and fragment", at, i.URL)
	f.add(len(i.Audiences) > 0, "%s.audiences: missing; without one, a token for any other service would open this one", at)
	for list, values := range map[string][]string{"audiences": i.Audiences, "subjects": i.Subjects} {
		f.add(!slices.Contains(values, ""), "%s.%s: one is empty", at, list)
	}
	for _, alg := range i.Algorithms {
		f.add(slices.Contains(signatures, alg), "%s.algorithms: %q is none of %s", at, alg, strings.Join(signatures, ", "))
	}
	f.add(i.Skew >= 0 && i.Skew <= maxSkew, "%s.skew: %v is not between 0 and %v", at, i.Skew, maxSkew)
	f.add(i.Refresh >= 0, "%s.refresh: %v is negative", at, i.Refresh)
	f.add(i.Stale >= 0, "%s.stale: %v is negative", at, i.Stale)
	f.add(i.JWKSURL == "" || isKeysURL(i.JWKSURL), "%s.jwksURL: %q is no https URL (http on loopback alone) without user and fragment", at, i.JWKSURL)
	f.add(i.ScopesPrefix == "" || i.ScopesClaim != "", "%s.scopesPrefix: it means nothing without scopesClaim", at)
	claims := map[string]string{"functionsClaim": i.FunctionsClaim, "scopesClaim": i.ScopesClaim}
	i.Grant.check(f, at)
	grants := []Grant{i.Grant}
	for n, rule := range i.Rules {
		at := fmt.Sprintf("%s.rules[%d]", at, n)
		f.add(len(rule.Values) > 0 && !slices.Contains(rule.Values, ""), "%s.values: missing, or one is empty", at)
		rule.Grant.check(f, at)
		claims[fmt.Sprintf("rules[%d].claim", n)] = rule.Claim
		grants = append(grants, rule.Grant)
	}
	for field, claim := range claims {
		f.add(len(claim) <= maxPatternBytes && strings.Count(claim, ".") <= maxClaimDots, "%s.%s: too long", at, field)
	}
	f.add(i.FunctionsClaim == "" || !slices.ContainsFunc(grants, func(g Grant) bool { return g.Functions != nil }),
		"%s.functionsClaim: functions are named as well; the token says them, or the configuration", at)
	f.add(i.ScopesClaim == "" || !slices.ContainsFunc(grants, func(g Grant) bool { return g.Scopes != nil }),
		"%s.scopesClaim: scopes are named as well; the token says them, or the configuration", at)
}

func (t TLSOptions) check(f *faults) {
	f.add((t.CertFile == "") == (t.KeyFile == ""), "tls: certFile and keyFile go together")
	f.add(t.ClientCAFile == "" || t.CertFile != "", "tls.clientCAFile: it means nothing without certFile")
	f.add(!t.RequireClient || t.ClientCAFile != "", "tls.requireClient: clientCAFile is missing, by which they are verified")
}

func (c CORSOptions) check(f *faults) {
	for _, origin := range c.Origins {
		_, ok := parseOriginPattern(origin)
		f.add(ok, "cors.origins: %q is no origin (scheme://host[:port], https://*.host) and not *", origin)
	}
	f.add(!c.Credentials || !slices.Contains(c.Origins, "*"), "cors.credentials: never with the origin *, which is every site there is")
	f.add(c.MaxAge >= 0, "cors.maxAge: %v is negative", c.MaxAge)
}

// isIssuerURL takes https, and http on loopback, where nobody is in between.
func isIssuerURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isKeysURL(text) && u.RawQuery == "" && !u.ForceQuery
}

func isKeysURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(net.JoinHostPort(u.Hostname(), "0"))
}

func isName(text string) bool {
	return of(text, maxNameBytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_@/")
}

func isKeyID(text string) bool {
	return of(text, maxIDBytes, "abcdefghijklmnopqrstuvwxyz0123456789-")
}

func isFunctionPattern(text string) bool {
	return of(text, maxNameBytes, "abcdefghijklmnopqrstuvwxyz0123456789-*")
}

func isHostPattern(text string) bool {
	name := strings.TrimPrefix(text, "*.")
	return of(name, maxPatternBytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
}

// of says that text has one to most of the given characters, and no others.
func of(text string, most int, characters string) bool {
	return text != "" && len(text) <= most &&
		!strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(characters, r) })
}
