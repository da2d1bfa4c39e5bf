package functions

import (
	"iter"
	"time"
)

// Reply is what the gateway answers to a detection request.
type Reply struct {
	// Function and Revision say who answered.
	Function string `json:"function"`
	Revision string `json:"revision"`
	// ModelSum is the SHA-256 of the model file, lower-case hex.
	ModelSum string  `json:"model_sha256"`
	Picture  Picture `json:"image"`
	// Detections are sorted by score, best first; never nil.
	Detections []Detection `json:"detections"`
	// ColdStart says that the request waited for an instance to start; the timing
	// then has what that start was spent on.
	ColdStart bool        `json:"cold_start"`
	Timing    ReplyTiming `json:"timing_ms"`
	// Cost is what the request cost, where the gateway reckons it.
	Cost *Cost `json:"cost,omitempty"`
	// Recall is shared where the answer is that of another request for the very same,
	// hit where it was known already, and empty where an instance was asked.
	Recall string `json:"recall,omitempty"`
	// Annotated is there where the request asked for it.
	Annotated *Annotated `json:"annotated,omitempty"`
}

// ReplyTiming is a request's time in milliseconds: the rooms it went through,
// which add up to the total but for the gateway's own share; and for a cold start
// the phases of the instance's start, which lie inside wait.
type ReplyTiming struct {
	Timing
	*Start
	Total Millis `json:"total"`
}

// NewReply is the reply to a request that an instance answered and that took
// total.
func NewReply(function, revision string, answer Answer, total time.Duration) Reply {
	reply := Reply{
		Function: function, Revision: revision, ModelSum: answer.ModelSum,
		Picture: answer.Picture, Detections: answer.Detections,
		ColdStart: answer.Cold, Annotated: answer.Annotated,
		Timing: ReplyTiming{Timing: answer.Timing, Total: Millis(total)},
	}
	if reply.Detections == nil {
		reply.Detections = []Detection{}
	}
	if answer.Cold {
		reply.Timing.Start = &answer.Start
	}
	return reply
}

// Phases are the rooms in the walk's order with the time spent in each.
func (t Timing) Phases() iter.Seq2[string, Millis] {
	return func(yield func(string, Millis) bool) {
		_ = yield("fetch", t.Fetch) && yield("wait", t.Wait) && yield("decode", t.Decode) &&
			yield("preprocess", t.Preprocess) && yield("infer", t.Infer) && yield("postprocess", t.Postprocess) &&
			(t.Draw == 0 || yield("draw", t.Draw))
	}
}

// Sum is the time in all rooms.
func (t Timing) Sum() Millis {
	var sum Millis
	for _, took := range t.Phases() {
		sum += took
	}
	return sum
}

// Phases are the phases of a start, in order.
func (s Start) Phases() iter.Seq2[string, Millis] {
	return func(yield func(string, Millis) bool) {
		_ = yield("pull", s.Pull) && yield("start", s.Start) && yield("load", s.Load) && yield("warmup", s.Warmup)
	}
}

// Phases are the rooms, then the start's phases where there was a start, then the
// total.
func (t ReplyTiming) Phases() iter.Seq2[string, Millis] {
	return func(yield func(string, Millis) bool) {
		for name, took := range t.Timing.Phases() {
			if !yield(name, took) {
				return
			}
		}
		if t.Start != nil {
			for name, took := range t.Start.Phases() {
				if !yield(name, took) {
					return
				}
			}
		}
		yield("total", t.Total)
	}
}

// FunctionStatus is a function as the platform sees it now.
type FunctionStatus struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	// Model is the model's URI, ModelSum its SHA-256 once it has been pulled.
	Model    string `json:"model"`
	ModelSum string `json:"model_sha256,omitempty"`
	Family   string `json:"family"`
	Licence  string `json:"licence,omitempty"`
	// State is zero, starting, ready, frozen or draining.
	State string `json:"state"`
	// Ready and Starting count instances.
	Ready    int `json:"instances_ready"`
	Starting int `json:"instances_starting"`
	// InFlight counts requests in an instance, Waiting those on their way to one.
	InFlight int `json:"in_flight"`
	Waiting  int `json:"waiting"`
	// LastColdStart is the newest start of an instance.
	LastColdStart *LastColdStart `json:"last_cold_start,omitempty"`
	// Error is why the function or its newest revision does not come up.
	Error string `json:"error,omitempty"`
}

// LastColdStart says when an instance became ready and what that was spent on.
type LastColdStart struct {
	At    time.Time `json:"at"`
	Start Start     `json:"phases_ms"`
	Total Millis    `json:"total_ms"`
}
