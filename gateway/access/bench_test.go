package access

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What each door costs a request; a made key and a remembered token should cost
// microseconds.
func BenchmarkIdentify(b *testing.B) {
	made, madeText := newKey(b, "made", Grant{})
	_, hash, err := HashKey("correct-horse-battery")
	if err != nil {
		b.Fatal(err)
	}
	f := newFakeIssuer(b, public("r", rsaOne()), public("e", ecdsaOne()))
	o := from(f, nil)
	o.Keys = []Key{made, {Name: "chosen", ID: "chosen", Hash: hash}}
	closed, _ := open(b, o, ":80")
	opened, _ := open(b, Options{}, loopback)
	filed, _ := open(b, Options{Keys: o.Keys, KeysFile: keysFileOf(b)}, ":80")
	token := sign(b, jose.RS256, rsaOne(), kid("r"), f.claims(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}))

	for _, bench := range []struct {
		name, field, value string
		access             *Access
		forget             bool
	}{
		{"open", "Accept", "*/*", opened, false},
		{"key", "Authorization", "Bearer " + madeText, closed, false},
		{"key, with a keys file", "Authorization", "Bearer " + madeText, filed, false},
		{"key, wrong", "Authorization", "Bearer " + keyPrefix + made.ID + "_wrong", closed, false},
		{"key that a person chose, remembered", "X-Api-Key", keyPrefix + "chosen_correct-horse-battery", closed, false},
		{"token, remembered", "Authorization", "Bearer " + token, closed, false},
		{"token, RS256", "Authorization", "Bearer " + token, closed, true},
		{"token, made up", "Authorization", "Bearer " + token[:len(token)-8] + "AAAAAAAA", closed, false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			r := request()
			for b.Loop() {
				if bench.forget {
					bench.access.tokens = newCache[tokenVerdict](maxTokens)
				}
				r.Header = http.Header{bench.field: {bench.value}}
				_, _ = bench.access.Identify(r)
			}
		})
	}
	b.Run("argon2id", func(b *testing.B) {
		h, _ := parseHash(hash)
		for b.Loop() {
			h.slow.is("correct-horse-battery")
		}
	})
}

func keysFileOf(b *testing.B) string {
	path := b.TempDir() + "/keys.yaml"
	put(b, path, nil)
	return path
}
