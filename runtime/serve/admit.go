package serve

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// The two ways in which whoever asks says how long it waits: a time from now on, which
// needs no clocks that agree, in seconds or with a unit; or a time of day (RFC 3339).
// The earlier counts.
const (
	requestTimeout  = "Request-Timeout"
	requestDeadline = "X-Request-Deadline"
)

// pace is how long pictures keep their places among the runs: a mean in which the
// last few count most.
type pace struct{ mean atomic.Int64 }

func (p *pace) saw(took time.Duration) {
	for {
		old := p.mean.Load()
		now := int64(took)
		if old > 0 {
			now = old + (int64(took)-old)/8
		}
		if p.mean.CompareAndSwap(old, now) {
			return
		}
	}
}

// expected is how long it takes until the last of so many pictures is through, of
// which as many as there are places go at a time; 0 where that is not known yet.
func (p *pace) expected(pictures, places int) time.Duration {
	rounds := (pictures + places - 1) / max(1, places)
	return time.Duration(int64(rounds) * p.mean.Load())
}

// deadline reads until when the caller waits; zero where it does not say.
func deadline(h http.Header, now time.Time) (at time.Time, err error) {
	if text := h.Get(requestTimeout); text != "" {
		timeout, err := time.ParseDuration(text)
		if seconds, numeric := strconv.ParseFloat(text, 64); numeric == nil && seconds < 1e9 {
			timeout, err = time.Duration(seconds*float64(time.Second)), nil
		}
		if err != nil || timeout <= 0 {
			return at, functions.Errorf(functions.Invalid, "%s must be a time like 2, 0.5 or 500ms, more than zero", requestTimeout)
		}
		at = now.Add(timeout)
	}
	if text := h.Get(requestDeadline); text != "" {
		until, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return at, functions.Errorf(functions.Invalid, "%s must be a time as RFC 3339 writes it", requestDeadline)
		}
		if at.IsZero() || until.Before(at) {
			at = until
		}
	}
	return at, nil
}

// admit bounds the request by its caller's deadline, and turns away what would only
// be late: its picture would take the place of one that is not. How long a start
// takes nobody here knows, so before the function is ready all come in.
func (s *Server) admit(r *http.Request) (ctx context.Context, release func(), err error) {
	now := time.Now()
	at, err := deadline(r.Header, now)
	if err != nil || at.IsZero() {
		return r.Context(), func() {}, err
	}
	left := at.Sub(now)
	if expected := s.expected(1); s.start.isReady() && left < expected {
		return nil, nil, &functions.Error{
			Kind: functions.TooShort, RetryAfter: max(busyFor, expected-s.expected(0)),
			Detail: "the instance would have answered in " + expected.Round(time.Millisecond).String() +
				", and the request's time is over in " + max(0, left).Round(time.Millisecond).String(),
		}
	}
	ctx, cancel := context.WithDeadlineCause(r.Context(), at,
		functions.Errorf(functions.Timeout, "the request's time was over before the function had answered"))
	return ctx, cancel, nil
}

// expected is how long the pictures inside take, and so many more.
func (s *Server) expected(more int) time.Duration {
	f, _, loaded := s.start.state()
	if !loaded {
		return 0
	}
	return s.pace.expected(len(s.room.requests)+more, f.places())
}
