package problem

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed45885407/saccade/functions"
)

func TestEveryKindSurvivesTheWayThroughHTTP(t *testing.T) {
	for _, kind := range functions.Kinds {
		want := &functions.Error{Kind: kind, Detail: "in words", RetryAfter: 1500 * time.Millisecond}
		rec := httptest.NewRecorder()
		Write(rec, fmt.Errorf("a room: %w", want.Because(errors.New("a secret"))))
		resp := rec.Result()
		if resp.StatusCode < 400 || resp.Header.Get("Content-Type") != ContentType {
			t.Errorf("%s: %s %s", kind, resp.Status, resp.Header.Get("Content-Type"))
		}
		if strings.Contains(rec.Body.String(), "secret") {
			t.Errorf("%s: the cause is in the body", kind)
		}
		got := Read(resp)
		want.RetryAfter = 2 * time.Second // whole seconds, never too early
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(functions.Error{}, "Cause")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestAnAnswerThatIsNoProblemOfOursIsAnInternalError(t *testing.T) {
	for name, body := range map[string]string{
		"HTML": "<h1>Bad Gateway</h1>", "nothing": "", "broken JSON": `{"type":`,
		"another's problem": `{"type":"https://example.org/out-of-credit","title":"x"}`,
		"an unknown kind":   `{"type":"` + typeBase + `no-such-kind"}`,
		"a long one":        `{"type":"` + strings.Repeat("x", 2*maxBytes) + `"}`,
	} {
		resp := &http.Response{
			Status: "502 Bad Gateway", StatusCode: 502, Header: http.Header{"Content-Type": {ContentType}},
			Body: io.NopCloser(strings.NewReader(body)),
		}
		if e := Read(resp); e.Kind != functions.Internal || !strings.Contains(e.Error(), "502") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
