package problem

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// eventingRetries is Knative Eventing's table: the statuses after which a broker
// or channel delivers an event again. After any other it is a dead letter.
func eventingRetries(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

func TestASenderOfEventsTriesAgainWhatMaySucceedAndNothingElse(t *testing.T) {
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[functions.Kind]struct {
		status int
		passes bool
	}{
		functions.Invalid:          {400, false},
		functions.Unreadable:       {422, false},
		functions.TooLarge:         {422, false},
		functions.UploadTimeout:    {503, true},
		functions.Unsupported:      {415, false},
		functions.NotFound:         {422, false},
		functions.JobNotFound:      {422, false},
		functions.Conflict:         {422, false},
		functions.Unauthenticated:  {401, false},
		functions.NotPermitted:     {403, false},
		functions.Forbidden:        {422, false},
		functions.SourceFailed:     {503, true},
		functions.SourceTimeout:    {503, true},
		functions.OverLimit:        {429, true},
		functions.Busy:             {429, true},
		functions.TooShort:         {503, true},
		functions.ColdStartTimeout: {503, true},
		functions.Timeout:          {503, true},
		functions.Unavailable:      {503, true},
		functions.Internal:         {503, true},
	}
	for _, kind := range functions.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			want, listed := table[kind]
			if !listed {
				t.Fatal("nobody has thought about this kind")
			}
			w := httptest.NewRecorder()
			WriteForEvents(w, functions.Errorf(kind, "so"))
			if w.Code != want.status || eventingRetries(w.Code) != want.passes {
				t.Errorf("status %d, sent again: %v; want %d, %v", w.Code, eventingRetries(w.Code), want.status, want.passes)
			}
			if after := w.Header().Get("Retry-After"); want.passes != (after != "") {
				t.Errorf("Retry-After is %q", after)
			}
			if back := Read(w.Result()); back.Kind != kind || back.Detail != "so" {
				t.Errorf("it reads back as %+v", back)
			}
			row := fmt.Sprintf("| [`%s`](problems.md#%[1]s) | %d | %s |", kind, want.status, map[bool]string{true: "yes", false: "no"}[want.passes])
			if !strings.Contains(string(page), row) {
				t.Errorf("docs/events.md lacks the row %s", row)
			}
		})
	}
}

func TestRetryAfterIsWhatTheErrorKnows(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want time.Duration
	}{
		{"known", &functions.Error{Kind: functions.Busy, RetryAfter: 40 * time.Second}, 40 * time.Second},
		{"not known", functions.Errorf(functions.Timeout, "late"), eventRetry},
		{"a fault of ours", errors.New("oops"), eventRetry},
		{"of no use", &functions.Error{Kind: functions.Invalid, RetryAfter: time.Second}, 0},
	} {
		if _, got := ForEvents(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := Seconds(1001 * time.Millisecond); got != 2 {
		t.Errorf("1.001 s are %d whole seconds, want 2", got)
	}
}
