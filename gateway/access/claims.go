package access

import (
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// maxClaimValues bounds what is read of one claim.
const maxClaimValues = 256

// caller is who the subject of a genuine token is here, and what it may do.
func (i *issuer) caller(subject string, claims map[string]any) (Caller, error) {
	if !isTellable(subject) {
		return Caller{}, functions.Errorf(functions.Unauthenticated, "the token has no subject that can be told")
	}
	if len(i.opts.Subjects) > 0 && !matchesAny(i.opts.Subjects, subject) {
		return Caller{}, functions.Errorf(functions.NotPermitted, "the token's subject is none that may come in")
	}
	grant := i.opts.Grant
	if len(i.opts.Rules) > 0 {
		at := slices.IndexFunc(i.opts.Rules, func(r Rule) bool { return r.matches(claims) })
		if at < 0 {
			return Caller{}, functions.Errorf(functions.NotPermitted, "the token's claims are none that may come in")
		}
		grant = i.opts.Rules[at].within(i.opts.Grant)
	}
	grant = grant.withDefaults(ScopeDetect, ScopeRead)
	if i.opts.FunctionsClaim != "" {
		grant.Functions = slices.DeleteFunc(listOf(find(claims, i.opts.FunctionsClaim)), func(f string) bool { return !isFunctionPattern(f) })
	}
	if i.opts.ScopesClaim != "" {
		grant.Scopes = i.scopes(listOf(find(claims, i.opts.ScopesClaim)))
	}
	who := caller(ViaToken, subject, grant)
	who.Issuer = i.opts.URL
	return who, nil
}

// scopes are those of ours among a claim's values.
func (i *issuer) scopes(values []string) []Scope {
	var scopes []Scope
	for _, value := range values {
		value, ours := strings.CutPrefix(value, i.opts.ScopesPrefix)
		if scope := Scope(value); ours && slices.Contains(Scopes, scope) && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

func (r Rule) matches(claims map[string]any) bool {
	name := r.Claim
	if name == "" {
		name = "sub"
	}
	// A claim that is matched is taken whole: "a b" is one value here.
	return slices.ContainsFunc(valuesOf(find(claims, name)), func(v string) bool { return matchesAny(r.Values, v) })
}

// within is the rule's grant, with the issuer's where the rule is silent.
func (r Rule) within(issuer Grant) Grant {
	g := r.Grant
	if g.Functions == nil {
		g.Functions = issuer.Functions
	}
	if g.Scopes == nil {
		g.Scopes = issuer.Scopes
	}
	if g.Limits == (Limits{}) {
		g.Limits = issuer.Limits
	}
	return g
}

// find returns the claim of that name: the claim itself, or one inside another
// where dots lead. Names may have dots of their own (https://example.org/groups,
// kubernetes.io), so each dot is tried as either.
func find(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	for at, char := range name {
		if char != '.' {
			continue
		}
		if inner, ok := claims[name[:at]].(map[string]any); ok {
			if v := find(inner, name[at+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}

// valuesOf are the texts that a claim holds: itself, or those in its list.
func valuesOf(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		var values []string
		for _, v := range claim[:min(len(claim), maxClaimValues)] {
			if text, ok := v.(string); ok {
				values = append(values, text)
			}
		}
		return values
	}
	return nil
}

// listOf are the words of a claim: a list, or a text with spaces between, as
// OAuth's scope (RFC 8693, 4.2).
func listOf(claim any) []string {
	if text, ok := claim.(string); ok {
		words := strings.Fields(text)
		return words[:min(len(words), maxClaimValues)]
	}
	return valuesOf(claim)
}
