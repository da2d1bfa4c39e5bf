// Package access says who a request is from, and what that caller may do.
//
// It receives a request's header and connection and hands on a [Caller]: an API
// key's, a bearer token's (OpenID Connect, Knative's senders included), a client
// certificate's, or anyone where the gateway is open. It refuses callers that do
// not show who they are (functions.Unauthenticated), that may not do what they
// ask (functions.NotPermitted), and for now those whose proof cannot be checked
// (functions.Unavailable). It also keeps the gateway's TLS certificate fresh and
// answers browsers' preflights.
//
// A gateway is open on loopback and closed everywhere else unless told: [New]
// fails rather than let strangers in by accident. No secret leaves this room:
// none is stored, none is in an error's text, and [Access.Identify] takes the
// credential out of the request, so that nobody after it can log or forward it.
package access

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Access tells callers apart. It is safe for concurrent use; close it when done.
type Access struct {
	opts    Options
	open    bool
	anyone  Caller
	browser browserGuard
	cors    cors
	now     func() time.Time

	ring    atomic.Pointer[keyring]
	keys    keysFile
	slow    *slowSecrets
	issuers map[string]*issuer
	tokens  *cache[tokenVerdict]

	// Fetches of issuers' keys run on after the request that began them has gone;
	// Close ends and awaits them.
	group sync.WaitGroup
	stop  context.CancelFunc
}

// New checks o and makes an Access of it, for a gateway that listens on the TCP
// address listen (host:port). It reads the keys file and asks no issuer yet, so
// that one that is down does not keep the gateway from starting.
//
// It fails where the gateway would be open to other machines without having been
// told to, and where it would be closed to everybody.
func New(o Options, listen string) (*Access, error) { return newAccess(o, listen, time.Now) }

func newAccess(o Options, listen string, now func() time.Time) (*Access, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	if o.Identified == nil {
		o.Identified = func(Via, functions.Kind) {}
	}
	local := isLoopback(listen)
	open, err := o.isOpen(listen, local)
	if err != nil {
		return nil, err
	}
	cors := newCORS(o.CORS)
	a := &Access{
		opts: o, open: open, anyone: anyone(o.Anyone, local && !cors.all), browser: newBrowserGuard(o, local),
		cors: cors, now: now, slow: newSlowSecrets(now),
		issuers: map[string]*issuer{}, tokens: newCache[tokenVerdict](maxTokens),
	}
	a.keys.path = o.KeysFile
	ring, err := a.loadKeys()
	if err != nil {
		return nil, err
	}
	a.ring.Store(ring)
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	for _, i := range o.Issuers {
		a.issuers[i.URL] = newIssuer(ctx, i, &a.group, now, o.Report)
	}
	return a, nil
}

// Close ends what is still under way with issuers. Requests must have ended.
func (a *Access) Close() {
	a.stop()
	for _, i := range a.issuers {
		i.keys.close()
	}
	a.group.Wait()
}

// IsOpen says whether requests without a credential are let in.
func (a *Access) IsOpen() bool { return a.open }

// Identify says who r is from, and takes the credentials out of its header: call
// it once. What the caller may do is still to be asked, by [Caller.Has] and
// [Caller.MayUse].
//
// Errors are functions.Errors: Unauthenticated where nothing or nothing valid was
// shown; NotPermitted where the caller is known and gets in nowhere, or a
// browser asks on behalf of another site; Unavailable, with RetryAfter, where a
// token's issuer cannot be reached to check it; OverLimit where somebody guesses
// at a key. A credential that is wrong is refused on an open gateway too: who
// sends one means to be somebody.
func (a *Access) Identify(r *http.Request) (Caller, error) {
	caller, via, err := a.identify(r)
	Strip(r.Header)
	if err != nil {
		a.opts.Identified(via, functions.KindOf(err))
		return Caller{}, err
	}
	a.opts.Identified(via, "")
	return caller, nil
}

// identify asks the doors in turn: what the request says, then what its
// connection says, then whether anyone may come in.
func (a *Access) identify(r *http.Request) (Caller, Via, error) {
	if a.hasHeaderDoors() {
		shown, err := readCredential(r.Header)
		if err != nil {
			return Caller{}, shown.via, err
		}
		switch shown.via {
		case ViaKey:
			caller, err := a.byKey(r.Context(), shown)
			return caller, ViaKey, err
		case ViaToken:
			caller, err := a.byToken(r.Context(), shown.text)
			return caller, ViaToken, err
		}
	}
	if len(a.opts.Certificates) > 0 {
		caller, shown, err := byCertificate(r.TLS, a.opts.Certificates, a.now())
		if err == nil && shown {
			return caller, ViaCertificate, a.browser.checkOrigin(r, a.cors.trustsWithCertificate)
		}
		if shown && !a.open {
			return Caller{}, ViaCertificate, err
		}
	}
	if !a.open {
		return Caller{}, ViaNothing, functions.Errorf(functions.Unauthenticated, "this gateway takes requests with %s", a.doors())
	}
	return a.anyone, ViaOpen, a.browser.check(r, a.cors.allows)
}

// hasHeaderDoors says whether a credential in the header can be checked at all.
// Where none can, one that a client sends out of habit is nobody's business.
func (a *Access) hasHeaderDoors() bool {
	return len(a.opts.Keys) > 0 || a.opts.KeysFile != "" || len(a.opts.Issuers) > 0
}

// doors says in words what the gateway asks for.
func (a *Access) doors() string {
	var text string
	add := func(is bool, door string) {
		if is && text != "" {
			text += " or "
		}
		if is {
			text += door
		}
	}
	add(len(a.opts.Keys) > 0 || a.opts.KeysFile != "", "an API key")
	add(len(a.opts.Issuers) > 0, "a bearer token")
	add(len(a.opts.Certificates) > 0, "a client certificate")
	return text
}
