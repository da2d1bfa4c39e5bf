package access

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/seed45885407/saccade/functions"
)

func TestAKeyIsItsCaller(t *testing.T) {
	limits := Limits{Rate: 2.5, Burst: 10, PerDay: 1000}
	plain, plainText := newKey(t, "plain", Grant{})
	bound, boundText := newKey(t, "bound", Grant{Functions: []string{"yolo*"}, Scopes: []Scope{ScopeAdmin}, Limits: limits})
	over, overText := newKey(t, "over", Grant{})
	over.NotAfter = time.Now().Add(-time.Second)
	soon, soonText := newKey(t, "soon", Grant{})
	soon.NotAfter = time.Now().Add(time.Hour)
	id, hash, err := HashKey("correct-horse-battery")
	if err != nil {
		t.Fatal(err)
	}
	chosen := Key{Name: "chosen", ID: id, Hash: hash}
	chosenText := keyPrefix + id + "_correct-horse-battery"
	a, _ := open(t, Options{Keys: []Key{plain, bound, over, soon, chosen}}, ":80")

	plainCaller := Caller{Name: "plain", Via: ViaKey, Functions: []string{"*"}, Scopes: []Scope{ScopeDetect, ScopeRead}}
	tests := []struct {
		name   string
		fields []string
		want   Caller
		fault  string
	}{
		{"as a bearer token", []string{"Authorization: Bearer " + plainText}, plainCaller, ""},
		{"the scheme in any case, spaces around", []string{"Authorization: bEARER   " + plainText + " "}, plainCaller, ""},
		{"in a field of its own", []string{"X-API-Key: " + plainText}, plainCaller, ""},
		{"with bounds", []string{"X-API-Key: " + boundText}, Caller{
			Name: "bound", Via: ViaKey, Functions: []string{"yolo*"}, Scopes: []Scope{ScopeAdmin}, Limits: limits,
		}, ""},
		{"that ends in an hour", []string{"X-API-Key: " + soonText}, Caller{
			Name: "soon", Via: ViaKey, Functions: []string{"*"}, Scopes: []Scope{ScopeDetect, ScopeRead},
		}, ""},
		{"that a person chose", []string{"Authorization: Bearer " + chosenText}, Caller{
			Name: "chosen", Via: ViaKey, Functions: []string{"*"}, Scopes: []Scope{ScopeDetect, ScopeRead},
		}, ""},
		{"nothing", nil, Caller{}, "an API key"},
		{"that has ended", []string{"X-API-Key: " + overText}, Caller{}, "has ended at"},
		{"with the secret of another", []string{"X-API-Key: " + keyPrefix + plain.ID + "_" + strings.SplitN(boundText, "_", 4)[3]}, Caller{}, "not valid"},
		{"with an id that nobody has", []string{"X-API-Key: " + keyPrefix + "nobody_" + strings.SplitN(plainText, "_", 4)[3]}, Caller{}, "not valid"},
		{"chosen, and wrong", []string{"X-API-Key: " + chosenText + "!"}, Caller{}, "not valid"},
		{"cut short", []string{"X-API-Key: " + plainText[:len(plainText)-1]}, Caller{}, "not valid"},
		{"in capitals", []string{"X-API-Key: " + strings.ToUpper(plainText)}, Caller{}, "not valid"},
		{"the hash instead of the secret", []string{"X-API-Key: " + keyPrefix + plain.ID + "_" + strings.TrimPrefix(plain.Hash, "sha256:")}, Caller{}, "not valid"},
		{"twice", []string{"X-API-Key: " + plainText, "X-API-Key: " + plainText}, Caller{}, "more than one"},
		{"in both fields", []string{"X-API-Key: " + plainText, "Authorization: Bearer " + plainText}, Caller{}, "more than one"},
		{"by Basic", []string{"Authorization: Basic dXNlcjpwYXNz"}, Caller{}, "Bearer"},
		{"an empty field", []string{"Authorization: "}, Caller{}, "Bearer"},
		{"no token", []string{"Authorization: Bearer"}, Caller{}, "not valid"},
		{"a token, where there is no issuer", []string{"Authorization: Bearer e30.e30.e30"}, Caller{}, "not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(tt.fields...)
			got, err := a.Identify(r)
			if tt.fault != "" {
				refused(t, err, functions.Unauthenticated, tt.fault)
			} else if err != nil {
				t.Fatal(err)
			}
			same(t, got, tt.want)
			for _, name := range secretHeaders {
				if r.Header.Get(name) != "" {
					t.Errorf("the request still has its %s", name)
				}
			}
		})
	}
}

func TestAWrongKeyIsRefusedByAnOpenGatewayToo(t *testing.T) {
	key, text := newKey(t, "k", Grant{})
	a, _ := open(t, Options{Keys: []Key{key}, Open: new(true)}, ":80")
	if _, err := a.Identify(request("X-API-Key: " + text + "x")); functions.KindOf(err) != functions.Unauthenticated {
		t.Errorf("a wrong key gets %v", err)
	}
	if c, err := a.Identify(request()); err != nil || c.Via != ViaOpen {
		t.Errorf("no key gets %+v, %v", c, err)
	}
	none, _ := open(t, Options{}, loopback)
	r := request("Authorization: Bearer whatever")
	if c, err := none.Identify(r); err != nil || c.Via != ViaOpen || r.Header.Get("Authorization") != "" {
		t.Errorf("where nothing can be checked it gets %+v, %v; the field is %q", c, err, r.Header.Get("Authorization"))
	}
}

func TestKeysAreAllDifferentAndReadBack(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key, text := newKey(t, "k", Grant{})
		id, secret, ok := splitKey(text)
		if !ok || id != key.ID || seen[id] || seen[secret] || len(secret) != 52 {
			t.Fatalf("%s of %+v", text, key)
		}
		seen[id], seen[secret] = true, true
		if id, hash, err := HashKey(text); err != nil || id != key.ID || hash != key.Hash {
			t.Fatalf("the hash of the key is %s, %s, %v; want %s, %s", id, hash, err, key.ID, key.Hash)
		}
	}
}

func TestAKeysFileIsReadAgainWhenItChanges(t *testing.T) {
	one, oneText := newKey(t, "one", Grant{Functions: []string{"a"}})
	two, twoText := newKey(t, "two", Grant{})
	fixed, fixedText := newKey(t, "fixed", Grant{})
	path := filepath.Join(t.TempDir(), "keys.yaml")
	list := func(keys ...Key) []byte { return must(yaml.Marshal(keys)) }
	put(t, path, list(one))
	var told reports
	a, clock := open(t, Options{Keys: []Key{fixed}, KeysFile: path, Report: told.add}, ":80")

	expect := func(when string, text string, in bool) {
		t.Helper()
		if _, err := a.Identify(request("X-API-Key: " + text)); (err == nil) != in {
			t.Errorf("%s: a key gets %v; want to be let in: %v", when, err, in)
		}
	}
	expect("at first", oneText, true)
	expect("at first", twoText, false)
	expect("at first", fixedText, true)

	put(t, path, list(two))
	expect("less than a second after the change", oneText, true)
	clock.advance(time.Second)
	expect("after the change", oneText, false)
	expect("after the change", twoText, true)
	expect("after the change", fixedText, true)

	for _, spoilt := range []struct{ text, word string }{
		{"- name: x\n  secret: " + oneText + "\n", "line 2"},
		{string(list(one)) + "---\n" + string(list(two)), "more than one document"},
		{string(list(fixed)), "another key's"},
		{"[\n", "no YAML"},
		{strings.Repeat("#\n", maxKeysFile), "bytes"},
	} {
		before := len(told.all())
		put(t, path, []byte(spoilt.text))
		for range 3 { // it is told once
			clock.advance(time.Second)
			expect("with a spoilt file", twoText, true)
		}
		if all := told.all(); len(all) != before+1 || !strings.Contains(all[before], spoilt.word) || strings.Contains(all[before], oneText) {
			t.Errorf("told %q; want one more that says %q", all[before:], spoilt.word)
		}
	}
	put(t, path, list(one, two))
	clock.advance(time.Second)
	expect("with a good file again", oneText, true)
	expect("with a good file again", twoText, true)
}

func TestAKeysFileThatCannotBeReadIsAFaultAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if _, err := New(Options{KeysFile: path}, loopback); err == nil {
		t.Error("a keys file that is not there was accepted")
	}
	put(t, path, []byte("- name: x\n  functoins: [a]\n"))
	if _, err := New(Options{KeysFile: path}, loopback); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a misspelt restriction: %v", err)
	}
	put(t, path, nil) // no key yet, and none gets in
	a, err := New(Options{KeysFile: path}, ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Identify(request()); functions.KindOf(err) != functions.Unauthenticated {
		t.Errorf("an empty keys file lets a stranger in: %v", err)
	}
}

func TestGuessingAtAChosenSecretIsSlowAndHurtsNobodyElse(t *testing.T) {
	_, hash, err := HashKey("correct-horse-battery")
	if err != nil {
		t.Fatal(err)
	}
	other, err := parseArgon(hash)
	if err != nil {
		t.Fatal(err)
	}
	if !other.is("correct-horse-battery") || other.is("correct-horse-batterY") {
		t.Fatal("the hash is not that of the secret")
	}
	a, clock := open(t, Options{Keys: []Key{{Name: "x", ID: "x", Hash: hash}, {Name: "y", ID: "y", Hash: hash}}}, ":80")
	try := func(id, secret string) error {
		_, err := a.Identify(request("X-API-Key: " + keyPrefix + id + "_" + secret))
		return err
	}
	if err := try("x", "correct-horse-battery"); err != nil {
		t.Fatal(err)
	}
	kinds, began := map[functions.Kind]int{}, clock.now()
	for i := range 50 {
		kinds[functions.KindOf(try("x", fmt.Sprintf("guess-number-%d", i)))]++
	}
	if most := allowed(clock, began); kinds[functions.Unauthenticated] > most || kinds[functions.OverLimit] < 50-most {
		t.Errorf("50 guesses at once got %v; want at most %d worked on", kinds, most)
	}
	if err := try("x", "correct-horse-battery"); err != nil {
		t.Errorf("who was let in before gets %v while another guesses", err)
	}
	if err := try("y", "correct-horse-battery"); err != nil {
		t.Errorf("who has another key gets %v while another guesses", err)
	}
	if err := try("x", "guess-number-0"); functions.KindOf(err) != functions.Unauthenticated {
		t.Errorf("a guess that was wrong before costs again: %v", err)
	}
	clock.advance(time.Second)
	if err := try("x", "guess-number-49"); functions.KindOf(err) != functions.Unauthenticated {
		t.Errorf("a second later a guess gets %v", err)
	}
}

// allowed is the most guesses at one key since then. The clock also goes by itself, and
// a hash takes a busy machine a good part of a second.
func allowed(clock *clock, since time.Time) int {
	return slowBurst + int(math.Ceil(clock.now().Sub(since).Seconds()))
}

func TestAHashThatWouldCostTooMuchIsRefused(t *testing.T) {
	const tail = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, tt := range []struct {
		name, hash string
		good       bool
	}{
		{"as we make them", "$argon2id$v=19$m=19456,t=2,p=1" + tail, true},
		{"too much memory", "$argon2id$v=19$m=4194304,t=2,p=1" + tail, false},
		{"too much time", "$argon2id$v=19$m=19456,t=900,p=1" + tail, false},
		{"no time", "$argon2id$v=19$m=19456,t=0,p=1" + tail, false},
		{"too little memory", "$argon2id$v=19$m=7,t=2,p=1" + tail, false},
		{"another version", "$argon2id$v=16$m=19456,t=2,p=1" + tail, false},
		{"argon2i", "$argon2i$v=19$m=19456,t=2,p=1" + tail, false},
		{"more after the parameters", "$argon2id$v=19$m=19456,t=2,p=1,x=1" + tail, false},
		{"no salt", "$argon2id$v=19$m=19456,t=2,p=1$$AAAAAAAAAAAAAAAAAAAAAAAA", false},
		{"bcrypt", "$2y$10$abcdefghijklmnopqrstuu", false},
		{"the secret itself", "correct-horse-battery", false},
		{"SHA-256 too short", "sha256:abcd", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseHash(tt.hash)
			if (err == nil) != tt.good {
				t.Errorf("parseHash: %v; want good: %v", err, tt.good)
			}
			if err != nil && strings.Contains(err.Error(), tt.hash) {
				t.Errorf("the error shows the hash: %v", err)
			}
		})
	}
}

func TestWhatAPersonChoosesMustBeLongAndFitAHeader(t *testing.T) {
	for _, secret := range []string{"", "short", "with space inside", "grüße-aus-der-ferne", strings.Repeat("x", 257), keyPrefix + "nothing", "line\nbreak-inside"} {
		if _, _, err := HashKey(secret); err == nil {
			t.Errorf("%q was taken", secret)
		} else if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
	if _, _, err := NewKey("no name", Grant{Scopes: []Scope{"root"}}); err == nil || !strings.Contains(err.Error(), "no name") || !strings.Contains(err.Error(), "root") {
		t.Errorf("a key with two faults: %v", err)
	}
	if err := errors.Join(Options{Keys: []Key{{Name: "a", ID: "a", Hash: keyPrefix + "put-here-by-mistake"}}}.Check()); err == nil || strings.Contains(err.Error(), "mistake") {
		t.Errorf("a secret in the place of a hash: %v", err)
	}
}

// A key whose secret is another one now is another key; one that is the same as
// before is not, however often the file is written.
func TestAChangedSecretIsForgottenAndAnUnchangedOneKeepsItsCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	var one, two string
	for secret, hash := range map[string]*string{"first-secret": &one, "second-secret": &two} {
		_, h, err := HashKey(secret)
		if err != nil {
			t.Fatal(err)
		}
		*hash = h
	}
	write := func(hash, more string) {
		put(t, path, must(yaml.Marshal([]Key{{Name: "x" + more, ID: "x", Hash: hash}})))
	}
	write(one, "")
	a, clock := open(t, Options{KeysFile: path}, ":80")
	try := func(secret string) functions.Kind {
		_, err := a.Identify(request("X-API-Key: " + keyPrefix + "x_" + secret))
		if err == nil {
			return ""
		}
		return functions.KindOf(err)
	}
	if first, second := try("first-secret"), try("second-secret"); first != "" || second != functions.Unauthenticated {
		t.Fatalf("at first: %q, %q", first, second)
	}
	write(two, "")
	clock.advance(lookEvery)
	if first, second := try("first-secret"), try("second-secret"); first != functions.Unauthenticated || second != "" {
		t.Errorf("after the change: %q, %q", first, second)
	}
	worked, began := 0, clock.now()
	for i := range 40 {
		write(two, fmt.Sprint(i)) // touched: the name is another
		clock.advance(lookEvery)
		for n := range 5 {
			if try(fmt.Sprintf("guess-%d-%d", i, n)) == functions.Unauthenticated {
				worked++
			}
		}
	}
	if most := allowed(clock, began); worked > most {
		t.Errorf("in %v %d guesses were worked on; want at most %d", clock.now().Sub(began), worked, most)
	}
}
