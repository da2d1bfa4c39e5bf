package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestTheCallersDeadline(t *testing.T) {
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, timeout, deadline string
		want                    time.Duration // after began; 0 for none, -1 for refused
	}{
		{"none", "", "", 0},
		{"seconds", "2", "", 2 * time.Second},
		{"decimals", " 0.25 ", "", 250 * time.Millisecond},
		{"with a unit", "500ms", "", 500 * time.Millisecond},
		{"with two", "1m30s", "", 90 * time.Second},
		{"longer than anybody waits", "99999999999999999999", "", longestTimeout},
		{"RFC 3339", "", "2030-01-02T04:04:08.5+01:00", 3500 * time.Millisecond},
		{"seconds since 1970", "", "1893553447", 2 * time.Second},
		{"seconds since 1970, decimals", "", "1893553445.5", 500 * time.Millisecond},
		{"both, the timeout is earlier", "1", "1893553447", time.Second},
		{"both, the deadline is earlier", "10", "1893553447", 2 * time.Second},
		{"a deadline that is over is no mistake", "", "1893553444", -1000 * time.Millisecond},
		{"nothing", "0", "", -1},
		{"less than nothing", "-1s", "", -1},
		{"a number that is none", "1e3", "", -1},
		{"infinity", "inf", "", -1},
		{"words", "soon", "", -1},
		{"two points", "1.2.3", "", -1},
		{"a date of another kind", "", "Wed, 02 Jan 2030 03:04:05 GMT", -1},
		{"milliseconds since 1970", "", "1893553447000", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.timeout != "" {
				h.Set("Request-Timeout", tt.timeout)
			}
			if tt.deadline != "" {
				h.Set("X-Request-Deadline", tt.deadline)
			}
			got, err := readDeadline(h, began)
			switch {
			case tt.want == -1:
				if functions.KindOf(err) != functions.Invalid || err == nil {
					t.Errorf("%v, %v; want it refused", got, err)
				}
			case err != nil:
				t.Error(err)
			case tt.want == 0:
				if !got.IsZero() {
					t.Errorf("%v out of nothing", got)
				}
			case !got.Equal(began.Add(tt.want)):
				t.Errorf("%v after the beginning, want %v", got.Sub(began), tt.want)
			}
		})
	}
}

func FuzzReadDeadline(f *testing.F) {
	f.Add("2", "1893553447.5")
	f.Add("500ms", "2030-01-02T03:04:05Z")
	f.Add("-1", "1e300")
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, timeout, deadline string) {
		h := http.Header{"Request-Timeout": {timeout}}
		got, err := readDeadline(h, began)
		if err == nil && !got.IsZero() && (!got.After(began) || got.After(began.Add(longestTimeout))) {
			t.Errorf("%q is %v after the beginning", timeout, got.Sub(began))
		}
		h.Set("X-Request-Deadline", deadline)
		both, err2 := readDeadline(h, began)
		if err2 == nil && err == nil && !got.IsZero() && both.After(got) {
			t.Errorf("%q makes %q longer", deadline, timeout)
		}
		if err2 != nil && functions.KindOf(err2) != functions.Invalid {
			t.Errorf("refused with %v", err2)
		}
	})
}
