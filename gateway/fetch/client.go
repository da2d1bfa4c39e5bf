package fetch

import (
	"fmt"
	"net/http"
)

// Client sends requests to addresses that strangers chose, under the same guard that
// pictures are fetched under: the URL is judged and written anew, every address is
// judged again as it is dialled, no proxy is asked, and no redirect followed. How much
// of an answer is read, and for how long, is the caller's business.
//
// An address that is refused is a functions.Error somewhere in the error's chain.
func (f *Fetcher) Client() *http.Client {
	return &http.Client{
		Transport:     guarded{f},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guarded is the Fetcher's transport behind its guard.
type guarded struct{ f *Fetcher }

// RoundTrip satisfies http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	at, err := g.f.guard.target(r.URL.String())
	if err != nil {
		return nil, err
	}
	// A RoundTripper leaves the request as it is (net/http).
	clean := r.Clone(r.Context())
	if clean.URL, err = clean.URL.Parse(at.url); err != nil {
		return nil, fmt.Errorf("reading back our own URL: %w", err)
	}
	clean.Host = ""
	return g.f.transport.RoundTrip(clean)
}
