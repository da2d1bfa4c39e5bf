package access

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/seed45885407/saccade/functions"
)

// signatures are the algorithms that a token may be signed with: those with a
// public key. There is no none, and no HS256, whose key would be the public one.
var signatures = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// maxTokens is how many genuine tokens are remembered.
const maxTokens = 8192

// issuer checks the tokens of one issuer.
type issuer struct {
	opts       Issuer
	algorithms []jose.SignatureAlgorithm
	config     *oidc.Config
	keys       *keySet
	now        func() time.Time
}

func newIssuer(ctx context.Context, o Issuer, group *sync.WaitGroup, now func() time.Time, report func(error)) *issuer {
	if o.Skew == 0 {
		o.Skew = time.Minute
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}
	}
	i := &issuer{opts: o, now: now}
	for _, name := range o.Algorithms {
		i.algorithms = append(i.algorithms, jose.SignatureAlgorithm(name))
	}
	// Audience and time are checked here: go-oidc knows one audience, and another
	// leeway for each claim.
	i.config = &oidc.Config{SupportedSigningAlgs: o.Algorithms, SkipClientIDCheck: true, SkipExpiryCheck: true}
	i.keys = newKeySet(ctx, o, group, now, report)
	return i
}

// tokenVerdict is what a genuine token was found to be, for as long as nothing
// that it was found by changes.
type tokenVerdict struct {
	caller Caller
	until  time.Time // the token's end, with the skew
	issuer *issuer
	keys   *keyGeneration
}

// byToken is the caller whose token is shown.
func (a *Access) byToken(ctx context.Context, text string) (Caller, error) {
	known := digest(sha256.Sum256([]byte(text)))
	if v, ok := a.tokens.get(known); ok && a.now().Before(v.until) && v.issuer.keys.current() == v.keys {
		return v.caller, nil
	}
	i := a.issuers[unverifiedIssuer(text)]
	if i == nil {
		return Caller{}, errToken()
	}
	v, err := i.verify(ctx, text)
	if err != nil {
		return Caller{}, err
	}
	a.tokens.put(known, v)
	return v.caller, nil
}

// unverifiedIssuer is whom a token claims to be from: good for nothing but to
// choose who checks that.
func unverifiedIssuer(text string) string {
	payload := strings.Split(text, ".")[1]
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// verify checks a token: signature and issuer, audience, time, subject, then what
// it may do. What is wrong is told only of a token that the issuer did sign.
func (i *issuer) verify(ctx context.Context, text string) (tokenVerdict, error) {
	signed := &signatureCheck{issuer: i}
	token, err := oidc.NewVerifier(i.opts.URL, signed, i.config).Verify(ctx, text)
	if signed.unavailable != nil {
		return tokenVerdict{}, signed.unavailable
	}
	if err != nil {
		return tokenVerdict{}, errToken().Because(err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return tokenVerdict{}, errToken().Because(fmt.Errorf("reading claims: %w", err))
	}
	if !slices.ContainsFunc(token.Audience, func(aud string) bool { return slices.Contains(i.opts.Audiences, aud) }) {
		return tokenVerdict{}, functions.Errorf(functions.Unauthenticated, "the token is for another audience")
	}
	now := i.now()
	until := token.Expiry.Add(i.opts.Skew)
	if !now.Before(until) { // a token without exp ended in the year 1
		return tokenVerdict{}, functions.Errorf(functions.Unauthenticated, "the token has expired")
	}
	if nbf, there := claims["nbf"]; there {
		seconds, ok := nbf.(float64)
		if !ok || float64(now.Add(i.opts.Skew).Unix()) < seconds {
			return tokenVerdict{}, functions.Errorf(functions.Unauthenticated, "the token is not valid yet")
		}
	}
	who, err := i.caller(token.Subject, claims)
	return tokenVerdict{caller: who, until: until, issuer: i, keys: signed.keys}, err
}

// signatureCheck is the issuer's keys as go-oidc asks for them, for one token. It
// remembers what go-oidc would make a text of.
type signatureCheck struct {
	issuer      *issuer
	keys        *keyGeneration
	unavailable error
}

// VerifySignature satisfies oidc.KeySet.
func (c *signatureCheck) VerifySignature(ctx context.Context, text string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(text, c.issuer.algorithms)
	if err != nil {
		return nil, err
	}
	// Other kinds of signed texts, such as logout tokens, are no proof of who calls
	// (RFC 8725, 3.11). Access tokens (RFC 9068) and ID tokens are.
	switch typ, _ := jws.Signatures[0].Header.ExtraHeaders["typ"].(string); strings.ToLower(typ) {
	case "", "jwt", "at+jwt", "application/at+jwt":
	default:
		return nil, errors.New("of a type that is no access token and no ID token")
	}
	payload, keys, err := c.issuer.keys.verify(ctx, jws)
	if functions.KindOf(err) == functions.Unavailable {
		c.unavailable = err
	}
	c.keys = keys
	return payload, err
}
