package limits

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// refusal is when to come back, or -1 where the request was taken.
func refusal(t *testing.T, err error) time.Duration {
	t.Helper()
	if err == nil {
		return -1
	}
	e, ok := errors.AsType[*functions.Error](err)
	if !ok || e.Kind != functions.OverLimit || e.Detail == "" {
		t.Fatalf("refused with %v", err)
	}
	return e.RetryAfter
}

func TestWhoComesBackWhenToldIsTakenAndNotBefore(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit Limit
		first int // taken at once
		then  time.Duration
	}{
		{"a rate with its default burst", Limit{PerSecond: 5}, 5, 200 * time.Millisecond},
		{"less than one a second", Limit{PerSecond: 0.1}, 1, 10 * time.Second},
		{"a rate with a burst", Limit{PerSecond: 1, Burst: 20}, 20, time.Second},
		{"a quota of the hour", Limit{PerHour: 3}, 3, 50 * time.Minute},
		{"a quota of the day", Limit{PerDay: 4}, 4, 13*time.Hour + 50*time.Minute},
		{"the hour's and the day's: the day's is the longer wait", Limit{PerHour: 3, PerDay: 3}, 3, 50 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := New(Options{})
				time.Sleep(10*time.Hour + 10*time.Minute) // bubbles begin at midnight
				for n := range tt.first {
					if _, err := room.Take("ann", tt.limit, 1); err != nil {
						t.Fatalf("%d: %v", n, err)
					}
				}
				_, err := room.Take("ann", tt.limit, 1)
				if got := refusal(t, err); got != tt.then {
					t.Fatalf("to come back in %v, want %v", got, tt.then)
				}
				if _, err := room.Take("ben", tt.limit, 1); err != nil {
					t.Errorf("another caller: %v", err)
				}
				time.Sleep(tt.then - time.Nanosecond)
				if _, err := room.Take("ann", tt.limit, 1); err == nil {
					t.Error("taken too early")
				}
				time.Sleep(time.Nanosecond)
				if _, err := room.Take("ann", tt.limit, 1); (err == nil) != (tt.limit.PerDay != 3) {
					t.Errorf("when it was time: %v", err)
				}
			})
		})
	}
}

func TestABatchIsTakenWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, limit := New(Options{}), Limit{PerSecond: 10, Burst: 10, PerHour: 15}
		if _, err := room.Take("ann", limit, 8); err != nil {
			t.Fatal(err)
		}
		_, err := room.Take("ann", limit, 5)
		if got := refusal(t, err); got != 300*time.Millisecond {
			t.Errorf("to come back in %v, want 300ms", got)
		}
		if _, err = room.Take("ann", limit, 2); err != nil {
			t.Errorf("what was refused was taken off: %v", err)
		}
		_, err = room.Take("ann", limit, 11)
		if got := refusal(t, err); got != time.Hour {
			t.Errorf("to come back in %v, want an hour: 5 are left of the quota", got)
		}
		_, err = room.Take("ann", limit, 16)
		if got := refusal(t, err); got != 0 {
			t.Errorf("to come back in %v, want never", got)
		}
		_, err = room.Take("ben", Limit{PerSecond: 10}, 11)
		if got := refusal(t, err); got != 0 {
			t.Errorf("to come back in %v, want never", got)
		}
	})
}

func TestNoLimitCostsNothingAndIsNotRemembered(t *testing.T) {
	room := New(Options{})
	for range 1000 {
		if _, err := room.Take("ann", Limit{}, 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(room.callers) != 0 {
		t.Error("it is remembered")
	}
}

func TestNewNumbersHoldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(Options{})
		for range 3 {
			if _, err := room.Take("ann", Limit{PerSecond: 1, Burst: 3, PerHour: 3}, 1); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := room.Take("ann", Limit{PerHour: 5}, 1); err != nil {
			t.Errorf("after the rate was lifted and the quota raised: %v", err)
		}
		if _, err := room.Take("ann", Limit{PerHour: 4}, 1); err == nil {
			t.Error("the new quota forgot what had been sent")
		}
	})
}

func TestOnlySoManyCallersAreRememberedAndThoseWithNothingToLoseGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, quota := New(Options{MaxCallers: 10}), Limit{PerHour: 1}
		if _, err := room.Take("ann", quota, 1); err != nil {
			t.Fatal(err)
		}
		for n := range 1000 {
			time.Sleep(time.Second / 2)
			if _, err := room.Take(fmt.Sprint("stranger", n), Limit{PerSecond: 1}, 1); err != nil {
				t.Fatal(err)
			}
		}
		if len(room.callers) != 10 || room.used.Len() != 10 {
			t.Errorf("%d callers are remembered, %d listed", len(room.callers), room.used.Len())
		}
		if _, err := room.Take("ann", quota, 1); err == nil {
			t.Error("a crowd of strangers gave a caller its quota back")
		}
	})
}

func TestACallerIsNeverGivenMoreThanItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room, limit, taken := New(Options{}), Limit{PerSecond: 7, Burst: 3, PerHour: 9000}, 0
		dice := rand.New(rand.NewPCG(1, 2))
		for began := time.Now(); time.Since(began) < time.Hour; {
			time.Sleep(time.Duration(dice.ExpFloat64() * float64(50*time.Millisecond)))
			if _, err := room.Take("ann", limit, 1); err == nil {
				taken++
			}
			if most := 7*time.Since(began).Seconds() + 3; float64(taken) > most || taken > 9000+1 {
				t.Fatalf("%d were taken in %v", taken, time.Since(began))
			}
		}
		if taken < 8990 {
			t.Errorf("only %d were taken", taken)
		}
	})
}

func TestHeadersSayWhereACallerStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(Options{})
		time.Sleep(30 * time.Minute)
		for _, tt := range []struct {
			name  string
			limit Limit
			want  http.Header
		}{
			{"none", Limit{}, http.Header{}},
			{"all", Limit{PerSecond: 2, Burst: 10, PerHour: 100, PerDay: 1000}, http.Header{
				"Ratelimit-Policy": {`"rate";q=10;w=5, "hour";q=100;w=3600, "day";q=1000;w=86400`},
				"Ratelimit":        {`"rate";r=7;t=2, "hour";r=97;t=1800, "day";r=997;t=84600`},
			}},
			{"a quota", Limit{PerDay: 3}, http.Header{
				"Ratelimit-Policy": {`"day";q=3;w=86400`}, "Ratelimit": {`"day";r=0;t=84600`},
			}},
		} {
			got := http.Header{}
			state, err := room.Take(tt.name, tt.limit, 3)
			if err != nil {
				t.Fatal(err)
			}
			state.SetHeader(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	room, limit := New(Options{}), Limit{PerSecond: 1e9, PerHour: 1 << 60, PerDay: 1 << 60}
	for b.Loop() {
		if _, err := room.Take("ann", limit, 1); err != nil {
			b.Fatal(err)
		}
	}
}
