package events

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
)

// carried are the extensions that an answer takes from its request: the trace
// (https://github.com/cloudevents/spec, extensions/distributed-tracing.md), and
// the chain the request is of (extensions/correlation.md).
var carried = []string{"traceparent", "tracestate", "correlationid"}

// Detected is the event that answers request with reply.
//
// Beside the reply as data it has coldstart (a boolean) and each of the reply's
// phases in whole milliseconds, named after it: waitms, loadms, totalms.
// Where the reply has its cost, so has the event: cost and the part of it that is
// for a cold start, costcoldstart, as decimals in text, since the type system of
// CloudEvents has no fractions; and costcurrency.
func Detected(request Event, source string, reply functions.Reply) (Event, error) {
	data, err := json.Marshal(reply)
	if err != nil {
		return Event{}, fmt.Errorf("writing the reply: %w", err)
	}
	e := answer(request, TypeDetected, source)
	e.DataContentType, e.Data = "application/json", data
	e.Extensions["coldstart"] = reply.ColdStart
	for name, took := range reply.Timing.Phases() {
		e.Extensions[name+"ms"] = integer(int64(math.Round(took.Milliseconds())))
	}
	if cost := reply.Cost; cost != nil {
		e.Extensions["cost"] = cost.Total.String()
		e.Extensions["costcoldstart"] = cost.ColdStart.String()
		e.Extensions["costcurrency"] = cost.Currency
	}
	return e, nil
}

// Failed is the event that answers request where there is no reply. Its data is the
// problem that err is to a sender of events; retryafter is there where another try
// makes sense, in seconds.
func Failed(request Event, source string, err error) (Event, error) {
	p, retryAfter := problem.ForEvents(err)
	data, jsonErr := json.Marshal(p)
	if jsonErr != nil {
		return Event{}, fmt.Errorf("writing the problem: %w", jsonErr)
	}
	e := answer(request, TypeFailed, source)
	e.DataContentType, e.Data = problem.ContentType, data
	if retryAfter > 0 {
		e.Extensions["retryafter"] = integer(problem.Seconds(retryAfter))
	}
	return e, nil
}

// Accepted is the event that says that request was taken, and is worked on later. Its
// data is receipt, in JSON.
func Accepted(request Event, source string, receipt any) (Event, error) {
	data, err := json.Marshal(receipt)
	if err != nil {
		return Event{}, fmt.Errorf("writing the receipt: %w", err)
	}
	e := answer(request, TypeAccepted, source)
	e.DataContentType, e.Data = "application/json", data
	return e, nil
}

// answer is an event that is correlated to request.
func answer(request Event, kind, source string) Event {
	e := Event{
		ID: answerID(request, kind, source), Source: source, Type: kind, Subject: request.Subject,
		Time: time.Now(), Extensions: make(map[string]any, 24),
	}
	if request.ID != "" {
		e.Extensions["causationid"] = request.ID
	}
	for _, name := range carried {
		if value, ok := request.Extensions[name]; ok {
			e.Extensions[name] = value
		}
	}
	return e
}

// answerID follows from the request: what is delivered twice is answered twice
// under the same id, so that whoever gets both can tell.
func answerID(request Event, kind, source string) string {
	if request.ID == "" || request.Source == "" {
		return rand.Text()
	}
	sum := sha256.New()
	for _, part := range []string{request.Source, request.ID, kind, source} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
