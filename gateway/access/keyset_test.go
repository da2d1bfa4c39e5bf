package access

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed45885407/saccade/functions"
)

func TestANewKeyIsFetchedWhenATokenNamesItAndAGoneOneIsForgotten(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	a, clock := open(t, from(f, nil), ":80")
	before := sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(nil))
	after := sign(t, jose.RS256, rsaTwo(), kid("2"), f.claims(nil))
	identify := func(token string) error {
		_, err := a.Identify(request("Authorization: Bearer " + token))
		return err
	}
	if err := identify(before); err != nil {
		t.Fatal(err)
	}
	f.rotate(public("1", rsaOne()), public("2", rsaTwo()))
	clock.advance(askAgain)
	if err := identify(after); err != nil {
		t.Fatalf("a token by a new key: %v", err)
	}
	if err := identify(before); err != nil {
		t.Fatalf("a token by the key before, still listed: %v", err)
	}
	// The old key goes. Nobody names an unknown one, so the list is fetched as it
	// gets old, behind a request that is answered by what is known still.
	f.rotate(public("2", rsaTwo()))
	clock.advance(defaultRefresh)
	if err := identify(after); err != nil {
		t.Fatal(err)
	}
	a.group.Wait()
	refused(t, identify(before), functions.Unauthenticated, "not valid")
	if err := identify(after); err != nil {
		t.Errorf("a token by the key that stays: %v", err)
	}
	// An issuer that makes new keys under the old name is understood too.
	f.rotate(public("2", rsaOne()))
	clock.advance(askAgain)
	if err := identify(sign(t, jose.RS256, rsaOne(), kid("2"), f.claims(nil))); err != nil {
		t.Errorf("a token by a new key under the name of an old one: %v", err)
	}
	refused(t, identify(after), functions.Unauthenticated, "not valid")
}

func TestAStrangerCannotHammerTheIssuer(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	a, clock := open(t, from(f, nil), ":80")
	var wg sync.WaitGroup
	flood := func() {
		for i := range 200 {
			token := sign(t, jose.ES256, ecdsaOne(), kid(fmt.Sprint("made-up-", i)), f.claims(nil))
			wg.Go(func() {
				if _, err := a.Identify(request("Authorization: Bearer " + token)); functions.KindOf(err) != functions.Unauthenticated {
					t.Errorf("a token by a made-up key gets %v", err)
				}
			})
		}
		wg.Wait()
	}
	flood()
	if n := f.asked.Load(); n != 1 {
		t.Errorf("200 tokens with made-up keys asked the issuer %d times; want 1", n)
	}
	clock.advance(askAgain)
	flood()
	if n := f.asked.Load(); n != 2 {
		t.Errorf("%v later 200 more asked it %d times in all; want 2", askAgain, n)
	}
	// No bad token of an unknown issuer asks anybody anything.
	_, err := a.Identify(request("Authorization: Bearer " + sign(t, jose.RS256, rsaOne(), nil, map[string]any{"iss": "https://evil.example"})))
	refused(t, err, functions.Unauthenticated, "not valid")
}

func TestAnIssuerThatIsDownMeansNotNowRatherThanNo(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	f.answers(down)
	var told reports
	o := from(f, nil)
	o.Report = told.add
	key, keyText := newKey(t, "k", Grant{})
	o.Keys = []Key{key}
	a, clock := open(t, o, ":80") // it starts all the same
	known := sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(nil))
	fresh := sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(map[string]any{"jti": "fresh"}))
	unknown := sign(t, jose.RS256, rsaTwo(), kid("2"), f.claims(nil))
	forged := sign(t, jose.RS256, rsaTwo(), kid("1"), f.claims(nil))
	identify := func(token string) error {
		_, err := a.Identify(request("Authorization: Bearer " + token))
		return err
	}
	for i := range 20 {
		err := identify(known)
		refused(t, err, functions.Unavailable, "issuer does not answer")
		if e := err.(*functions.Error); e.RetryAfter < time.Second || e.RetryAfter > mostBackoff {
			t.Errorf("try %d: try again in %v", i, e.RetryAfter)
		}
	}
	if _, err := a.Identify(request("X-API-Key: " + keyText)); err != nil {
		t.Errorf("a key gets %v while the issuer is down", err)
	}
	if n := len(told.all()); n != 1 || !strings.Contains(told.all()[0], f.URL) || !strings.Contains(told.all()[0], "500") {
		t.Errorf("20 tries reported %q; want one fetch, that %s answered 500", told.all(), f.URL)
	}

	f.answers(nil)
	clock.advance(leastBackoff)
	if err := identify(known); err != nil {
		t.Fatalf("when the issuer is back: %v", err)
	}
	f.answers(down)
	for _, later := range []time.Duration{askAgain, defaultRefresh, defaultStale / 2} {
		clock.advance(later)
		if err := identify(sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(map[string]any{"exp": clock.now().Add(time.Hour).Unix()}))); err != nil {
			t.Errorf("down, %v after the last answer, a token by a known key gets %v", later, err)
		}
		refused(t, identify(unknown), functions.Unavailable, "issuer does not answer")
		refused(t, identify(forged), functions.Unauthenticated, "not valid")
	}
	clock.advance(defaultStale)
	refused(t, identify(fresh), functions.Unavailable, "issuer does not answer")
	a.group.Wait()
}

func TestARememberedTokenDoesNotOutliveTheKeysItWasCheckedBy(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	a, clock := open(t, from(f, nil), ":80")
	token := sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()}))
	if _, err := a.Identify(request("Authorization: Bearer " + token)); err != nil {
		t.Fatal(err)
	}
	f.answers(down)
	clock.advance(defaultStale)
	_, err := a.Identify(request("Authorization: Bearer " + token))
	refused(t, err, functions.Unavailable, "issuer does not answer")
}

func TestAHangingIssuerHoldsARequestNoLongerThanItsTime(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	release := make(chan struct{})
	f.answers(func(http.ResponseWriter, string) bool { <-release; return false })
	a, _ := open(t, from(f, nil), ":80")
	ctx, cancel := context.WithCancel(t.Context())
	r := request("Authorization: Bearer " + sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(nil))).WithContext(ctx)
	cancel()
	_, err := a.Identify(r)
	refused(t, err, functions.Unavailable, "issuer does not answer")
	close(release)
	a.group.Wait()
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	f := newFakeIssuer(t, public("1", rsaOne()))
	asked, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	f.answers(func(http.ResponseWriter, string) bool { close(asked); <-release; return false })
	a, err := New(from(f, nil), ":80")
	if err != nil {
		t.Fatal(err)
	}
	token := sign(t, jose.RS256, rsaOne(), kid("1"), f.claims(nil))
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := a.Identify(request("Authorization: Bearer " + token))
		refused(t, err, functions.Unavailable, "issuer does not answer")
	})
	<-asked
	a.Close()
	wg.Wait()
	_, err = a.Identify(request("Authorization: Bearer " + token))
	refused(t, err, functions.Unavailable, "issuer does not answer")
}
