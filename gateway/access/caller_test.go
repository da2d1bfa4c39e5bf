package access

import (
	"strings"
	"testing"

	"github.com/seed45885407/saccade/functions"
)

func TestACallerUsesWhatItsGrantCovers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		patterns []string
		function string
		may      bool
	}{
		{"the name", []string{"yolo11n"}, "yolo11n", true},
		{"another name", []string{"yolo11n"}, "yolo11s", false},
		{"a longer name", []string{"yolo"}, "yolo11n", false},
		{"the name with a tag", []string{"yolo11n"}, "yolo11n@canary", true},
		{"a pattern", []string{"yolo*"}, "yolo11n", true},
		{"a pattern, its star for nothing", []string{"yolo*"}, "yolo", true},
		{"a pattern with two stars", []string{"*-v*-prod"}, "eye-v2-prod", true},
		{"a pattern whose parts overlap", []string{"ab*ba"}, "aba", false},
		{"a pattern in another order", []string{"*b*a"}, "ab", false},
		{"a pattern with stars side by side", []string{"a**"}, "abc", true},
		{"one of several", []string{"a", "b*"}, "bc", true},
		{"all", []string{"*"}, "anything", true},
		{"none", nil, "anything", false},
		{"a name in capitals", []string{"yolo*"}, "YOLO11n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Caller{Via: ViaKey, Functions: tt.patterns}.MayUse(tt.function)
			if (err == nil) != tt.may {
				t.Errorf("MayUse(%q) = %v; want to be let: %v", tt.function, err, tt.may)
			}
			if err != nil {
				refused(t, err, functions.NotPermitted, "your key does not cover the function "+tt.function)
			}
		})
	}
}

func TestARefusalDoesNotRepeatALongName(t *testing.T) {
	err := Caller{Via: ViaToken}.MayUse(strings.Repeat("x", 1000))
	refused(t, err, functions.NotPermitted, "your token does not cover that function")
}

func TestNoScopeIncludesAnother(t *testing.T) {
	for _, has := range Scopes {
		for _, asked := range Scopes {
			err := Caller{Via: ViaCertificate, Scopes: []Scope{has}}.Has(asked)
			if (err == nil) != (has == asked) {
				t.Errorf("with the scope %s, asked for %s: %v", has, asked, err)
			}
			if err != nil {
				refused(t, err, functions.NotPermitted, "your certificate does not have the scope "+string(asked))
			}
		}
	}
}

func TestCallersOfOneNameByDifferentDoorsAreDifferent(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []Caller{
		{Name: "gate", Via: ViaKey},
		{Name: "gate", Via: ViaCertificate},
		{Name: "gate", Via: ViaToken, Issuer: "https://a"},
		{Name: "gate", Via: ViaToken, Issuer: "https://b"},
		{Name: "b#gate", Via: ViaToken, Issuer: "https://a"},
		{Name: "anyone", Via: ViaOpen},
		{Name: "anyone", Via: ViaKey},
	} {
		if seen[c.ID()] {
			t.Errorf("%+v has the id %q of another", c, c.ID())
		}
		seen[c.ID()] = true
	}
}
