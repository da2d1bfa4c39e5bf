package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/gateway/recall"
)

func TestWhoHasTheAnswerAlready(t *testing.T) {
	etag := entityTag(recall.Tag{1, 2, 3}, "")
	for _, tt := range []struct {
		name  string
		lines []string
		want  bool
	}{
		{"no condition", nil, false},
		{"this one", []string{etag}, true},
		{"this one, called strong", []string{strings.TrimPrefix(etag, "W/")}, true},
		{"among others", []string{`"x", W/"y",` + etag + `, "z"`}, true},
		{"in a second line", []string{`"x"`, etag}, true},
		{"another", []string{`W/"0102"`}, false},
		{"the drawn one", []string{entityTag(recall.Tag{1, 2, 3}, "png")}, false},
		{"any", []string{"*"}, false},
		{"no end", []string{`"` + strings.Repeat("x", 100)}, false},
		{"no tags", []string{"hello, world"}, false},
		{"a tag with a comma in it", []string{`"a,b", ` + etag}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := knows(http.Header{"If-None-Match": tt.lines}, etag); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	if knows(http.Header{"If-None-Match": {`""`, "*", ""}}, entityTag(recall.Tag{}, "")) {
		t.Error("an answer without a tag is known")
	}
}

func TestValidators(t *testing.T) {
	h := http.Header{}
	setValidators(h, "", time.Minute)
	if len(h) != 0 {
		t.Errorf("%v for what is not kept", h)
	}
	setValidators(h, entityTag(recall.Tag{1}, ""), 90*time.Second)
	want := http.Header{"Etag": {`W/"01000000000000000000000000000000-json"`}, "Cache-Control": {"private, max-age=90"}}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzKnows(f *testing.F) {
	etag := entityTag(recall.Tag{1, 2, 3}, "")
	f.Add(etag)
	f.Add(`"x", W/"`)
	f.Fuzz(func(t *testing.T, line string) {
		if knows(http.Header{"If-None-Match": {line}}, etag) && !strings.Contains(line, strings.TrimPrefix(etag, "W/")) {
			t.Errorf("%q", line)
		}
	})
}
