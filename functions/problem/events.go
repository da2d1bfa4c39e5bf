package problem

import (
	"math"
	"net/http"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// eventStatus is the status by which a sender of events knows whether to send
// again. Knative Eventing does after 404, 408, 409, 429 and 5xx, and gives up, with
// a dead letter, after all else. So what will never work is 400, 415 or 422 here
// (401 or 403 where the sender may not), and what may work later 429 or 503,
// whatever a caller at the API would be told.
func eventStatus(kind functions.Kind) int {
	switch kind {
	case functions.Invalid:
		return http.StatusBadRequest
	case functions.Unsupported:
		return http.StatusUnsupportedMediaType
	case functions.Unreadable, functions.TooLarge, functions.NotFound, functions.JobNotFound, functions.Conflict,
		functions.Forbidden:
		return http.StatusUnprocessableEntity
	case functions.Unauthenticated, functions.NotPermitted: // not retried either, and about the sender, not the event
		return faces[kind].status
	case functions.Busy, functions.OverLimit:
		return http.StatusTooManyRequests
	}
	return http.StatusServiceUnavailable
}

// eventRetry is when to send an event again where the error does not know.
const eventRetry = 5 * time.Second

// ForEvents is the problem that err is to a sender of events, and how long that
// sender should wait before it sends the event again: 0 where that is of no use.
func ForEvents(err error) (p Problem, retryAfter time.Duration) {
	p = Of(err)
	p.Status = eventStatus(functions.KindOf(err))
	if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
		if retryAfter = retryAfterOf(err); retryAfter <= 0 {
			retryAfter = eventRetry
		}
	}
	return p, retryAfter
}

// WriteForEvents answers a sender of events with the problem that err is.
func WriteForEvents(w http.ResponseWriter, err error) {
	challenge(w, err)
	p, retryAfter := ForEvents(err)
	writeRetryAfter(w, retryAfter)
	WriteProblem(w, p)
}

// Seconds is d as Retry-After says it: whole seconds, rounded up.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
