package access

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Options say who may come in. The zero value is a gateway that is open on
// loopback and does not start anywhere else.
type Options struct {
	// Open says whether requests without a credential are let in. Default (left
	// out): yes on loopback, where there are no keys, issuers and certificates; no
	// otherwise. True opens the gateway to whoever reaches it.
	Open *bool `yaml:"open,omitempty"`
	// Anyone is what a request without a credential may do on an open gateway.
	// Default: all functions; the scopes detect and read, on loopback admin too
	// (not where cors.origins is *).
	Anyone Grant `yaml:"anyone,omitempty"`
	// Hosts are the names that the gateway is reached by, without port; *.example.org
	// is every name below it. A request without a credential that calls it anything
	// else is refused: IP addresses and localhost always pass. Default: none on
	// loopback; elsewhere any name passes where none is listed.
	Hosts []string `yaml:"hosts,omitempty"`
	// Keys are API keys. Default: none.
	Keys []Key `yaml:"keys,omitempty"`
	// KeysFile is a YAML file with a list of more keys, read again within a second
	// of a change. Default: none.
	KeysFile string `yaml:"keysFile,omitempty"`
	// Issuers sign bearer tokens that are taken. Default: none.
	Issuers []Issuer `yaml:"issuers,omitempty"`
	// Certificates say whose client certificates are taken; the first that matches
	// counts. They need tls.clientCAFile. Default: none.
	Certificates []Certificate `yaml:"certificates,omitempty"`
	// TLS is the gateway's own certificate.
	TLS TLSOptions `yaml:"tls,omitempty"`
	// CORS is what pages of other sites may do.
	CORS CORSOptions `yaml:"cors,omitempty"`

	// Identified is called once for each [Access.Identify], with the door and the
	// Kind of refusal, empty for none. Default: nobody counts.
	Identified func(Via, functions.Kind) `yaml:"-"`
	// Report is told of what went wrong outside a request: files that could not be
	// read again, issuers that did not answer. It may be called concurrently, and
	// must not block. Default: nobody is told.
	Report func(error) `yaml:"-"`
}

// Key is an API key, without its secret.
type Key struct {
	// Name says whose key it is. Required, and no other key's.
	Name string `yaml:"name"`
	// ID is the part of the key that finds it; no secret. Required: lower-case
	// letters, digits and -, and no other key's.
	ID string `yaml:"id"`
	// Hash is what is kept of the secret: sha256:HEX, or an $argon2id$ string for
	// one that a person chose. Required; `saccade keys new` and `saccade keys hash`
	// write it.
	Hash string `yaml:"hash"`
	// NotAfter is when the key ends. Default: never.
	NotAfter time.Time `yaml:"notAfter,omitempty"`
	Grant    `yaml:",inline"`
}

// Issuer is an OpenID Connect issuer whose tokens are taken.
type Issuer struct {
	// URL is the issuer, exactly as its tokens say in iss: https, or http on
	// loopback. Required.
	URL string `yaml:"url"`
	// Audiences are the values of aud that mean this gateway, one of which a token
	// must have. Required. For Knative's senders it is the audience in the
	// addressable's status.address.
	Audiences []string `yaml:"audiences"`
	// Subjects are patterns of the values of sub that are taken, in which * stands
	// for any characters or none. Default: any.
	Subjects []string `yaml:"subjects,omitempty"`
	// Algorithms are the signatures that are taken, of RS256, RS384, RS512, PS256,
	// PS384, PS512, ES256, ES384, ES512 and EdDSA. Default: RS256, ES256, EdDSA.
	Algorithms []string `yaml:"algorithms,omitempty"`
	// Skew is how far the issuer's clock may be off. Default (0): 1m; at most 5m.
	Skew time.Duration `yaml:"skew,omitempty"`
	// FunctionsClaim names a claim that lists the functions of its caller, as a list
	// or with spaces between them; a token without it gets none. Dots lead into
	// nested claims. Default: none; not together with functions.
	FunctionsClaim string `yaml:"functionsClaim,omitempty"`
	// ScopesClaim names a claim that lists the scopes, likewise; what is no scope of
	// ours is passed over. Default: none; not together with scopes.
	ScopesClaim string `yaml:"scopesClaim,omitempty"`
	// ScopesPrefix is taken off the values in ScopesClaim; a value without it is
	// passed over. Default: none.
	ScopesPrefix string `yaml:"scopesPrefix,omitempty"`
	// Rules grant different things to different callers; the first that matches
	// counts, and who matches none does not get in. Default: everybody gets the
	// issuer's own functions, scopes and limits.
	Rules []Rule `yaml:"rules,omitempty"`
	Grant `yaml:",inline"`

	// JWKSURL is where the issuer's keys are. Default: where its discovery document
	// (/.well-known/openid-configuration) says.
	JWKSURL string `yaml:"jwksURL,omitempty"`
	// CAFile holds certificates (PEM) that the issuer's server is verified by.
	// Default: the system's.
	CAFile string `yaml:"caFile,omitempty"`
	// TokenFile holds a bearer token to show the issuer itself, as Kubernetes' API
	// server asks for. Sent to the host of URL or JWKSURL alone. Default: none.
	TokenFile string `yaml:"tokenFile,omitempty"`
	// Refresh is how old the issuer's keys may get before they are fetched again
	// behind the requests. Default (0): 15m.
	Refresh time.Duration `yaml:"refresh,omitempty"`
	// Stale is how long keys are used when the issuer does not answer. Default (0):
	// 24h.
	Stale time.Duration `yaml:"stale,omitempty"`
}

// Rule is what an issuer's callers of a kind may do.
type Rule struct {
	// Claim is the claim that is looked at; dots lead into nested claims. Default:
	// sub.
	Claim string `yaml:"claim,omitempty"`
	// Values are patterns, in which * stands for any characters or none; one must
	// match the claim, or one of its values where it is a list. Required.
	Values []string `yaml:"values"`
	Grant  `yaml:",inline"`
}

// Certificate is what the bearers of client certificates may do. Of the names, in
// which * stands for any characters or none, all that are given must match; one at
// least must be given.
type Certificate struct {
	// URI is a pattern of a URI in the certificate's alternative names, as SPIFFE's.
	URI string `yaml:"uri,omitempty"`
	// DNS is a pattern of a DNS name among them.
	DNS string `yaml:"dns,omitempty"`
	// Email is a pattern of a mail address among them.
	Email string `yaml:"email,omitempty"`
	// CommonName is a pattern of the subject's common name.
	CommonName string `yaml:"commonName,omitempty"`
	Grant      `yaml:",inline"`
}

// TLSOptions are the gateway's certificate and whom it takes certificates from.
// The files are read again within a second of a change; a faulty new one leaves
// the old in use.
type TLSOptions struct {
	// CertFile holds the certificate chain (PEM). Default: none, no TLS.
	CertFile string `yaml:"certFile,omitempty"`
	// KeyFile holds its private key (PEM). Required with CertFile.
	KeyFile string `yaml:"keyFile,omitempty"`
	// ClientCAFile holds the authorities (PEM) that client certificates are verified
	// by. Default: none, no client certificates.
	ClientCAFile string `yaml:"clientCAFile,omitempty"`
	// RequireClient refuses connections without a client certificate. Default: no,
	// a caller may show something else.
	RequireClient bool `yaml:"requireClient,omitempty"`
}

// CORSOptions are what browsers let pages of other sites do.
type CORSOptions struct {
	// Origins are the sites: https://app.example.org, https://*.example.org (every
	// name below it), or * for all. Default: none; CORS is off.
	Origins []string `yaml:"origins,omitempty"`
	// Credentials lets pages of these sites use the client certificate of who looks
	// at them. Never together with *. Default: no; keys and tokens are sent without
	// it.
	Credentials bool `yaml:"credentials,omitempty"`
	// MaxAge is how long browsers may remember a preflight's answer. Default (0):
	// 10m.
	MaxAge time.Duration `yaml:"maxAge,omitempty"`
}
