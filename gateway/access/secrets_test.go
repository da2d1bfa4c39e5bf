package access

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed45885407/saccade/functions"
)

// However a credential is wrong, nothing that is said, reported or counted shows
// it, and nothing of it is left in the request.
func TestNoSecretLeavesTheRoom(t *testing.T) {
	key, text := newKey(t, "k", Grant{})
	_, hash, err := HashKey("SECRET-that-a-person-chose")
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeIssuer(t, public("r", rsaOne()))
	path := filepath.Join(t.TempDir(), "keys.yaml")
	put(t, path, nil)
	var seen strings.Builder
	o := from(f, nil)
	o.Keys = []Key{key, {Name: "chosen", ID: "chosen", Hash: hash}}
	o.KeysFile = path
	o.Report = func(err error) { fmt.Fprintln(&seen, err) }
	o.Identified = func(via Via, kind functions.Kind) { fmt.Fprintln(&seen, via, kind) }
	a, clock := open(t, o, ":80")

	good := sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"note": "SECRET"}))
	bad := sign(t, jose.RS256, rsaTwo(), kid("r"), f.claims(map[string]any{"note": "SECRET"}))
	ended := sign(t, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": 1}))
	strange := sign(t, jose.RS256, rsaOne(), map[string]any{"kid": "r", "typ": "SECRET"}, f.claims(nil))
	shown := []string{
		text, text + "SECRET", text[:len(text)-3], keyPrefix + "chosen_SECRET-that-a-person-chose", keyPrefix + "chosen_SECRET-that-nobody-chose",
		keyPrefix + "SECRET", keyPrefix + "x_SECRET", "SECRET", "SECRET.SECRET.SECRET", "e30.U0VDUkVU.U0VDUkVU",
		good, bad, ended, strange, good + "SECRET", "SECRET" + good, strings.Repeat("SECRET", 5000),
	}
	for _, secret := range shown {
		for _, field := range []string{"X-API-Key: ", "Authorization: Bearer ", "Authorization: Basic ", "Authorization: "} {
			r := request(field+secret, "Proxy-Authorization: SECRET", "Cookie: session=SECRET")
			c, err := a.Identify(r)
			log := slog.New(slog.NewJSONHandler(&seen, nil))
			log.Info("request", "caller", c, "id", c.ID(), "error", err)
			for ; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintf(&seen, "%v %+v\n", err, err)
			}
			fmt.Fprintln(&seen, r.Header)
		}
	}
	// Nor where a secret stands in a file by mistake.
	for _, spoilt := range []string{"- name: x\n  secret: SECRET\n", "SECRET", "- SECRET\n", "- name: SECRET\n  id: [SECRET]\n", "{SECRET", "- name: x\n  id: x\n  hash: SECRET\n"} {
		put(t, path, []byte(spoilt))
		clock.advance(lookEvery)
		_, _ = a.Identify(request("X-API-Key: " + text))
	}
	told := seen.String()
	secretPart := strings.TrimPrefix(text, keyPrefix+key.ID+"_")
	signature := good[strings.LastIndex(good, ".")+1:]
	for name, secret := range map[string]string{"a made key": secretPart[:20], "a chosen secret": "SECRET", "a token": good[:len(good)-10], "a signature": signature[:20]} {
		if at := strings.Index(told, secret); at >= 0 {
			t.Errorf("%s is in: …%s…", name, told[max(0, at-100):min(len(told), at+100)])
		}
	}
	if !strings.Contains(told, "keys stay as they were") || !strings.Contains(told, "not valid") {
		t.Error("this test looks at nothing")
	}
}

func TestStripTakesCredentialsAndNothingElse(t *testing.T) {
	h := http.Header{}
	for _, name := range []string{"authorization", "X-API-Key", "x-api-key", "Proxy-Authorization", "Cookie", "Ce-Id", "Traceparent"} {
		h.Add(name, "v")
	}
	Strip(h)
	if len(h) != 2 || h.Get("Ce-Id") != "v" || h.Get("Traceparent") != "v" {
		t.Errorf("left are %v", h)
	}
}

func TestOutcomesAreCountedByDoorAndKind(t *testing.T) {
	key, text := newKey(t, "k", Grant{})
	counts := map[string]int{}
	a, _ := open(t, Options{Keys: []Key{key}, Identified: func(via Via, kind functions.Kind) {
		counts[string(via)+" "+string(kind)]++
	}}, ":80")
	for _, field := range []string{"X-API-Key: " + text, "X-API-Key: wrong", "Authorization: Bearer a.b.c", "Accept: */*"} {
		_, _ = a.Identify(request(field))
	}
	for _, want := range []string{"key ", "key not-authenticated", "token not-authenticated", "nothing not-authenticated"} {
		if counts[want] != 1 {
			t.Errorf("%q was counted %d times in %v; want 1", want, counts[want], counts)
		}
	}
}
