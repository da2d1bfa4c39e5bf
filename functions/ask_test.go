package functions

import (
	"strings"
	"testing"
)

func TestParametersAreSetOrRefusedInWords(t *testing.T) {
	for _, tt := range []struct{ name, value, refused string }{
		{"min_score", "0.4", ""},
		{"min_score", "1", ""},
		{"min_score", "1.5", "between 0 and 1"},
		{"min_score", "NaN", "between 0 and 1"},
		{"min_score", "much", "not a number"},
		{"draw", "jpeg", ""},
		{"draw", "gif", "png or jpeg"},
		{"colour", "red", "there is no parameter"},
	} {
		var p Parameters
		err := p.Set(tt.name, tt.value)
		switch {
		case tt.refused == "" && (err != nil || p == Parameters{}):
			t.Errorf("%s=%s: %+v, %v", tt.name, tt.value, p, err)
		case tt.refused != "" && (KindOf(err) != Invalid || !strings.Contains(err.Error(), tt.refused) || p != Parameters{}):
			t.Errorf("%s=%s: %+v, %v; want %q", tt.name, tt.value, p, err, tt.refused)
		}
	}
}

func TestWhatIsWrongWithJSONIsSaidInWords(t *testing.T) {
	for text, refused := range map[string]string{
		`{"a":1}`:           "",
		`{"a":"x"}`:         "the field a must not be a string",
		`"x"`:               "not valid JSON",
		`{"b":1}`:           `there is no field "b"`,
		`{"a":1}{}`:         "more than one JSON value",
		`{"a":`:             "not valid JSON",
		``:                  "not valid JSON",
		`{"a":1} trailing `: "more than one JSON value",
	} {
		var into struct {
			A int `json:"a"`
		}
		err := DecodeJSON([]byte(text), &into)
		if refused == "" && err != nil || refused != "" && (KindOf(err) != Invalid || !strings.Contains(err.Error(), refused)) {
			t.Errorf("%s: %v; want %q", text, err, refused)
		}
	}
}
