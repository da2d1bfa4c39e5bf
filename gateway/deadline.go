package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

const (
	requestTimeout  = "Request-Timeout"
	requestDeadline = "X-Request-Deadline"
	// longestTimeout is read as no more than this: a function's own timeout is
	// shorter anyway.
	longestTimeout = 24 * time.Hour
)

// readDeadline is the time by which the caller of a request that began then wants
// its answer, zero where it does not say. Of the two fields the earlier time counts.
//
// Request-Timeout is a number of seconds, as its first draft has it
// (draft-thomson-hybi-http-timeout), decimals allowed, or a number with a unit
// (500ms, 2s, 1m30s). X-Request-Deadline is an RFC 3339 time or seconds since 1970,
// and worth as much as the caller's clock; one that is over already is no error here,
// but too short for every function.
func readDeadline(h http.Header, began time.Time) (deadline time.Time, err error) {
	if text := strings.TrimSpace(h.Get(requestTimeout)); text != "" {
		timeout, ok := parseTimeout(text)
		if !ok {
			return deadline, functions.Errorf(functions.Invalid,
				"%s must be a time like 2, 0.5 or 500ms, more than zero", requestTimeout)
		}
		deadline = began.Add(timeout)
	}
	if text := strings.TrimSpace(h.Get(requestDeadline)); text != "" {
		at, ok := parseDeadline(text)
		if !ok {
			return deadline, functions.Errorf(functions.Invalid,
				"%s must be a time as RFC 3339 writes it, or seconds since 1970", requestDeadline)
		}
		if deadline.IsZero() || at.Before(deadline) {
			deadline = at
		}
	}
	return deadline, nil
}

func parseTimeout(text string) (time.Duration, bool) {
	timeout, err := time.ParseDuration(text)
	if seconds, numeric := parseSeconds(text); numeric {
		timeout, err = time.Duration(min(seconds, longestTimeout.Seconds())*float64(time.Second)), nil
	}
	return min(timeout, longestTimeout), err == nil && timeout > 0
}

func parseDeadline(text string) (time.Time, bool) {
	if seconds, numeric := parseSeconds(text); numeric {
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(part*1e9)), seconds < 1e12
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}

// parseSeconds reads digits with an optional fraction, and none of the other forms
// that Go takes for numbers: no sign, exponent, hex, infinity.
func parseSeconds(text string) (float64, bool) {
	if strings.Trim(text, "0123456789.") != "" || len(text) > 32 {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(text, 64)
	return seconds, err == nil
}
