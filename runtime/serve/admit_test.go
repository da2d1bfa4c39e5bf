package serve

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// within asks with a header field, and says how long the answer took.
func within(t *testing.T, s *Server, field, value string) (refused *functions.Error, took time.Duration) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/detect", bytes.NewReader(picture(t)))
	r.Header.Set(field, value)
	w := httptest.NewRecorder()
	began := time.Now()
	s.ServeHTTP(w, r)
	if took = time.Since(began); w.Code == http.StatusOK {
		return nil, took
	}
	return problem.Read(w.Result()), took
}

func TestAPictureThatWouldBeLateIsTurnedAwayAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := ready(t, &fake{takes: 10 * time.Second}, Options{}, 1)
		if got := ask(t.Context(), s, "", picture(t)); got.status != http.StatusOK {
			t.Fatal(got.status) // it is known now how long one takes
		}
		inside := asking(t.Context(), s, picture(t))
		synctest.Wait()
		err, took := within(t, s, requestTimeout, "15")
		if err == nil || err.Kind != functions.TooShort || took != 0 || err.RetryAfter < time.Second {
			t.Errorf("%v after %v; want it too short at once, and when to come back", err, took)
		}
		if err, took := within(t, s, requestTimeout, "25s"); err != nil || took != 20*time.Second {
			t.Errorf("with time enough: %v after %v", err, took)
		}
		<-inside
	})
}

func TestAPicturesTimeEndsItsWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := ready(t, &fake{takes: 10 * time.Second}, Options{}, 1)
		inside := asking(t.Context(), s, picture(t)) // nobody knows yet how long it takes
		synctest.Wait()
		until := time.Now().Add(3 * time.Second).Format(time.RFC3339Nano)
		err, took := within(t, s, requestDeadline, until)
		if err == nil || err.Kind != functions.Timeout || took != 3*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		<-inside
	})
}

func TestADeadlineThatCannotBeUnderstoodIsRefused(t *testing.T) {
	s := ready(t, &fake{}, Options{}, 1)
	for _, header := range [][2]string{
		{requestTimeout, "soon"}, {requestTimeout, "0"}, {requestTimeout, "-2s"}, {requestDeadline, "tomorrow"}, {requestTimeout, "NaN"},
	} {
		if err, _ := within(t, s, header[0], header[1]); err == nil || err.Kind != functions.Invalid {
			t.Errorf("%v: %v", header, err)
		}
	}
}

func TestABusyServerSaysWhenToComeBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := ready(t, &fake{takes: 10 * time.Second}, Options{Requests: 6}, 1)
		ask(t.Context(), s, "", picture(t))
		for range 6 {
			done := asking(t.Context(), s, picture(t))
			defer func() { <-done }()
		}
		synctest.Wait()
		if got := ask(t.Context(), s, "", picture(t)); got.refuse == nil || got.refuse.RetryAfter != 30*time.Second {
			t.Errorf("%+v; want half of a minute, which the six take", got.refuse)
		}
	})
}

func TestAnExpectationNeedsExperience(t *testing.T) {
	var p pace
	if got := p.expected(100, 1); got != 0 {
		t.Errorf("%v of nothing", got)
	}
	p.saw(80 * time.Millisecond)
	p.saw(160 * time.Millisecond)
	if got := p.expected(5, 2); got != 3*90*time.Millisecond {
		t.Errorf("%v for five, two at a time", got)
	}
}

func FuzzDeadline(f *testing.F) {
	f.Add("2", "2026-01-02T03:04:05Z")
	f.Add("1m30s", "")
	f.Fuzz(func(t *testing.T, timeout, until string) {
		now := time.Now()
		at, err := deadline(http.Header{requestTimeout: {timeout}, requestDeadline: {until}}, now)
		if err == nil && timeout != "" && at.IsZero() {
			t.Errorf("%q is no time, and no error", timeout)
		}
	})
}
