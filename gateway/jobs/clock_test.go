package jobs

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// To the store a pause of an hour, and one that a clock that was set back by an hour
// has made of a short one, are the same. That the clock was set back is told by the
// lock's time, which lies in the future then.
func setBackAnHour(t *testing.T, o Options) {
	t.Helper()
	ahead := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(o.Dir, "lock"), ahead, ahead); err != nil {
		t.Fatal(err)
	}
}

func TestADeliveryIsMadeAtOnceWhenTheClockWasSetBack(t *testing.T) {
	for _, test := range []struct {
		name  string
		again bool // the clock is set back while no process runs
	}{{"while the gateway runs", false}, {"while it does not", true}} {
		t.Run(test.name, func(t *testing.T) {
			s := newSink(t)
			var refused atomic.Bool
			s.refuseWith(func(w http.ResponseWriter) bool {
				if refused.Swap(true) {
					return false
				}
				w.Header().Set("Retry-After", "3000")
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			})
			o := quick(t)
			o.Sink = s.URL
			j := openOnly(t, o)
			stop := run(t, j, newWorker().work)
			id := accept(t, j, job("one")).ID
			untilThat(t, j, id, func(s Status) bool { return len(s.Deliveries) == 1 && s.Deliveries[0].Attempts == 1 })
			if test.again {
				stop()
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
				setBackAnHour(t, o)
				j = openOnly(t, o)
				stop = run(t, j, newWorker().work)
			} else {
				setBackAnHour(t, o)
			}
			if got := until(t, j, id, Done, Failed); got.State != Done {
				t.Errorf("the job is %s; want it done", got.State)
			}
			if n := len(s.received()); n != 1 {
				t.Errorf("the sink has %d answers; want 1", n)
			}
			stop()
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A job's pause ends when the clock shows less than when the pause began; one that is
// long because it was asked for does not end early.
func TestAPauseEndsWhenTheClockIsBeforeItsBeginning(t *testing.T) {
	o := quick(t)
	j := open(t, o)
	w := newWorker()
	busy := func() []error {
		return []error{&functions.Error{Kind: functions.Busy, Detail: "busy", RetryAfter: 50 * time.Minute}}
	}
	w.fails["set back"], w.fails["asked for"] = busy(), busy()
	run(t, j, w.work)
	back, asked := accept(t, j, job("set back")).ID, accept(t, j, job("asked for")).ID
	until(t, j, back, Retrying)
	until(t, j, asked, Retrying)
	l, err := j.link()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.update(t.Context(), back, func(r *record) bool {
		r.Paused = time.Now().Add(time.Hour)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	setBackAnHour(t, o)
	until(t, j, back, Done)
	if got, err := j.Get(t.Context(), asked); err != nil || got.State != Retrying || w.times("asked for") != 1 {
		t.Errorf("the other job is %+v, %v, and was tried %d times; want it to go on pausing", got, err, w.times("asked for"))
	}
}
