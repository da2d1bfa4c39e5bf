package description

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestTheJSONSaysWhatTheYAMLSays(t *testing.T) {
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(YAML(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	text, err := JSON()
	if err == nil {
		err = json.Unmarshal(text, &fromJSON)
	}
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := json.Marshal(fromYAML) // ints and floats are told apart in YAML alone
	if err == nil {
		err = json.Unmarshal(canonical, &fromYAML)
	}
	if diff := cmp.Diff(fromYAML, fromJSON); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestNobodyChangesTheDescriptionOfOthers(t *testing.T) {
	YAML()[0] = 'x'
	if YAML()[0] == 'x' {
		t.Error("the next reader sees the change")
	}
}

func TestYAMLInJSON(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"keys keep their order", "b: 1\na: 2", `{"b":1,"a":2}`},
		{"an alias is what it stands for", "a: &x [1, two]\nb: *x", `{"a":[1,"two"],"b":[1,"two"]}`},
		{"numbers keep their digits", "[0.000000000010, 1e3, -4]", `[0.000000000010,1e3,-4]`},
		{"a number in quotes is text", "a: '200'", `{"a":"200"}`},
		{"a number as a key is text", "200: ok", `{"200":"ok"}`},
		{"truth and nothing", "[true, false, null, ~]", `[true,false,null,null]`},
		{"text as it is, over lines too", "a: |\n  <b> \"x\"\n  ü\n", `{"a":"<b> \"x\"\nü\n"}`},
		{"nothing in a list and in an object", "a: []\nb: {}", `{"a":[],"b":{}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := toJSON([]byte(tt.yaml))
			if err != nil || strings.TrimSuffix(string(got), "\n") != tt.want {
				t.Errorf("%s %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestWhatJSONCannotSayIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no document": "", "a list as a key": "[a]: 1", "a merge": "a: &a {x: 1}\nb: {<<: *a}", "infinity": "a: .inf",
		"a number in hex": "a: 0x10", "a time without quotes": "a: 2026-01-31T12:00:00Z", "no YAML": "a: [",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := toJSON([]byte(text)); err == nil {
				t.Errorf("became %s", got)
			}
		})
	}
}
