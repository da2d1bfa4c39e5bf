package access

import (
	"slices"
	"strings"

	"github.com/seed45885407/saccade/functions"
)

// Scope is a class of things that a caller may do.
type Scope string

// The scopes. None includes another.
const (
	// ScopeDetect: have pictures looked at, and see one's own jobs.
	ScopeDetect Scope = "detect"
	// ScopeRead: see functions, their state, costs and metrics.
	ScopeRead Scope = "read"
	// ScopeAdmin: deploy, move traffic, redrive dead letters, see others' jobs.
	ScopeAdmin Scope = "admin"
)

// Scopes are all of them.
var Scopes = []Scope{ScopeDetect, ScopeRead, ScopeAdmin}

// Via is the door that a caller came in by.
type Via string

// The doors. ViaNothing is of those that showed nothing and did not get in.
const (
	ViaOpen        Via = "open"
	ViaKey         Via = "key"
	ViaToken       Via = "token"
	ViaCertificate Via = "certificate"
	ViaNothing     Via = "nothing"
)

// Grant is what a caller may do, and how much of it.
type Grant struct {
	// Functions are the functions it may use: names, in which * stands for any
	// characters or none. Default: all.
	Functions []string `yaml:"functions,omitempty"`
	// Scopes are what it may do: detect, read, admin. Default: detect and read.
	Scopes []Scope `yaml:"scopes,omitempty"`
	Limits `yaml:",inline"`
}

// Limits are how much a caller may send. This room only hands them on.
type Limits struct {
	// Rate is the most requests a second, averaged. Default 0: no limit.
	Rate float64 `yaml:"rate,omitempty"`
	// Burst is the most requests at once under Rate. Default 0: one second's worth,
	// at least one.
	Burst int `yaml:"burst,omitempty"`
	// PerDay is the most requests of a day (UTC). Default 0: no limit.
	PerDay int64 `yaml:"perDay,omitempty"`
}

// withDefaults fills in what an operator left out.
func (g Grant) withDefaults(scopes ...Scope) Grant {
	if g.Functions == nil {
		g.Functions = []string{"*"}
	}
	if g.Scopes == nil {
		g.Scopes = scopes
	}
	return g
}

// Caller is who a request is from. Its lists are shared between requests: do not
// change them.
type Caller struct {
	// Name is the key's name, the token's subject, the certificate's name that a
	// rule matched, or "anyone".
	Name string
	// Issuer is the URL of a token's issuer; empty by the other doors.
	Issuer string
	// Via is the door.
	Via Via
	// Functions are patterns of the functions that it may use. Empty: none.
	Functions []string
	// Scopes are what it may do. Empty: nothing.
	Scopes []Scope
	// Limits are how much of it.
	Limits Limits
}

// caller is one with a grant, complete with defaults.
func caller(via Via, name string, g Grant) Caller {
	return Caller{Name: name, Via: via, Functions: g.Functions, Scopes: g.Scopes, Limits: g.Limits}
}

// anyone is the caller of which nothing is known. Who reaches loopback is on this
// machine, where it could as well stop the gateway: it is an administrator, unless
// all sites' pages may reach it there too. Strangers from elsewhere are that only
// where the operator says so.
func anyone(g Grant, admin bool) Caller {
	scopes := []Scope{ScopeDetect, ScopeRead}
	if admin {
		scopes = append(scopes, ScopeAdmin)
	}
	return caller(ViaOpen, "anyone", g.withDefaults(scopes...))
}

// ID tells the caller from every other, by whatever door: a token whose subject is
// the name of a key is not that key. Quotas and the ownership of jobs go by it.
func (c Caller) ID() string {
	if c.Issuer != "" { // an issuer has no fragment, so this is one issuer and one subject
		return string(c.Via) + ":" + c.Issuer + "#" + c.Name
	}
	return string(c.Via) + ":" + c.Name
}

// Has returns nil where the caller has the scope, else a NotPermitted error.
func (c Caller) Has(scope Scope) error {
	if slices.Contains(c.Scopes, scope) {
		return nil
	}
	return functions.Errorf(functions.NotPermitted, "%s does not have the scope %s", c.credential(), scope)
}

// MayUse returns nil where the caller may use the function, else a NotPermitted
// error: whether there is such a function or not, so ask this before routing.
//
// A tag, as in function@tag, is a way to the same function.
func (c Caller) MayUse(function string) error {
	function, _, _ = strings.Cut(function, "@")
	for _, pattern := range c.Functions {
		if matches(pattern, function) {
			return nil
		}
	}
	if len(function) > maxNameBytes {
		return functions.Errorf(functions.NotPermitted, "%s does not cover that function", c.credential())
	}
	return functions.Errorf(functions.NotPermitted, "%s does not cover the function %s", c.credential(), function)
}

// credential is what the caller came with, as one says it to the caller.
func (c Caller) credential() string {
	switch c.Via {
	case ViaKey:
		return "your key"
	case ViaToken:
		return "your token"
	case ViaCertificate:
		return "your certificate"
	}
	return "a request without a key or token"
}

// matches compares name with a pattern, in which * stands for any characters or
// none, in time that is linear in name for each star.
func matches(pattern, name string) bool {
	first, rest, starred := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, first)
	if !starred || !ok {
		return ok && name == ""
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		at := strings.Index(name, part)
		if at < 0 {
			return false
		}
		name, rest = name[at+len(part):], after
	}
}

// matchesAny says whether one of the patterns matches name.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) })
}
