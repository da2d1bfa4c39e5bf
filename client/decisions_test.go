package client

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

func TestDecisionsAreReadOrTheReasonWhyNot(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/functions/eye/decisions" {
			problem.Write(w, functions.Errorf(functions.NotFound, "no function is named so"))
			return
		}
		_, _ = w.Write([]byte(`{"function":"eye","decisions":[{"at":"2026-01-02T03:04:05Z","revision":"eye-00001","from":0,"to":2,"reason":"a crowd"}]}`))
	}))
	defer server.Close()
	c, err := New(server.URL, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Decisions(t.Context(), "eye")
	want := []functions.Decision{{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Revision: "eye-00001", To: 2, Reason: "a crowd"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, name := range []string{"ear", "..", "", "eye/decisions"} {
		if _, err := c.Decisions(t.Context(), name); functions.KindOf(err) != functions.NotFound {
			t.Errorf("of %q: %v", name, err)
		}
	}
}
