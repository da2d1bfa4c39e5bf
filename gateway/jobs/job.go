package jobs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Job is work to be done: an event that asks, for whom, and where the answer goes.
type Job struct {
	// Event is the request, its Data the bytes themselves: JSON, or a picture.
	Event events.Event
	// Function is who does it, a DNS label.
	Function string
	// Owner is the caller's name, "" for none.
	Owner string
	// Parameters are those that the event's data does not have.
	Parameters functions.Parameters
	// Sinks are the operator's URLs that the answer goes to. Default: Options.Sink.
	Sinks []string
	// Callback is the caller's URL that the answer goes to, "" for none.
	Callback string
	// Deadline is when the job is given up. Default: Options.MaxAge from acceptance.
	Deadline time.Time
	// Digest tells this request from another one under the same source and id; Accept
	// makes it.
	Digest string
	// Accepted is when it was accepted; Accept sets it.
	Accepted time.Time
	// Generation counts how often it was sent round again after it had failed.
	Generation int
}

// ID is the job's id. It follows from the event's source and id, so that the same
// event is the same job; from the owner, so that nobody can take another's ids; and
// from the function. It is safe in a URL and names its function.
func (j Job) ID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%s", len(j.Owner), j.Owner, len(j.Event.Source), j.Event.Source, j.Event.ID))
	return j.Function + "-" + hex.EncodeToString(sum[:idBytes])
}

const idBytes = 16

// functionOf is the function that an id names; ok is false for what is no id.
func functionOf(id string) (function string, ok bool) {
	at := len(id) - 2*idBytes - 1
	if at < 1 || id[at] != '-' || strings.Trim(id[at+1:], "0123456789abcdef") != "" || !label(id[:at]) {
		return "", false
	}
	return id[:at], true
}

// label tells what can be a token of a subject, and is a function's name.
func label(name string) bool {
	return name != "" && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// complete checks a job and fills in what it has left to us.
func (j *Jobs) complete(job *Job) error {
	switch {
	case !label(job.Function):
		return functions.Errorf(functions.NotFound, "%.64q is no name of a function", job.Function)
	case job.Event.ID == "" || job.Event.Source == "":
		return functions.Errorf(functions.Invalid, "the event has no id or no source")
	case job.Event.Base64 != "":
		return functions.Errorf(functions.Internal, "a job's data must be its bytes")
	}
	if len(job.Sinks) == 0 && j.opts.Sink != "" {
		job.Sinks = []string{j.opts.Sink}
	}
	if err := j.sinks.check(*job); err != nil {
		return err
	}
	job.Accepted = time.Now()
	if latest := job.Accepted.Add(j.opts.MaxAge); job.Deadline.IsZero() || job.Deadline.After(latest) {
		job.Deadline = latest
	}
	job.Digest = digest(*job)
	return nil
}

// digest is of all that makes the request what it is.
func digest(job Job) string {
	sum := sha256.New()
	params, _ := json.Marshal(job.Parameters) // a number and a word
	fmt.Fprintf(sum, "%s\n%s\n%s\n", params, job.Callback, events.MediaType(job.Event.DataContentType))
	sum.Write(job.Event.Data)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// The header of a message that has a job, or a record, or what became of one. Its
// value is JSON; data is beside it, so that pictures stay bytes.
const metaHeader = "Saccade-Meta"

// maxMeta is the most bytes of a job's. A cluster takes messages of 1 MiB by default,
// half of which is for data, and a dead letter has the attributes three times.
const maxMeta = 64 << 10

// jobMeta is a job without its data, as it is written.
type jobMeta struct {
	Event      events.Event         `json:"event"`
	Function   string               `json:"function"`
	Owner      string               `json:"owner,omitempty"`
	Parameters functions.Parameters `json:"parameters,omitzero"`
	Sinks      []string             `json:"sinks,omitempty"`
	Callback   string               `json:"callback,omitempty"`
	Deadline   time.Time            `json:"deadline"`
	Digest     string               `json:"digest"`
	Accepted   time.Time            `json:"accepted"`
	Generation int                  `json:"generation,omitempty"`
	// Claim says that the data lies in the object store, under the id.
	Claim string `json:"claim,omitempty"`
}

// UnmarshalJSON reads the event by the rules of events.
func (m *jobMeta) UnmarshalJSON(text []byte) error {
	type plain jobMeta
	var raw struct {
		plain
		Event json.RawMessage `json:"event"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*m = jobMeta(raw.plain)
	var err error
	m.Event, err = events.Parse(raw.Event)
	return err
}

func (m jobMeta) job() Job {
	return Job{
		Event: m.Event, Function: m.Function, Owner: m.Owner, Parameters: m.Parameters, Sinks: m.Sinks,
		Callback: m.Callback, Deadline: m.Deadline, Digest: m.Digest, Accepted: m.Accepted, Generation: m.Generation,
	}
}

func (j Job) meta(claim string) jobMeta {
	m := jobMeta{
		Event: j.Event, Function: j.Function, Owner: j.Owner, Parameters: j.Parameters, Sinks: j.Sinks,
		Callback: j.Callback, Deadline: j.Deadline, Digest: j.Digest, Accepted: j.Accepted, Generation: j.Generation,
		Claim: claim,
	}
	m.Event.Data = nil
	return m
}

// message writes meta into a message's header and data beside it.
func message(subject string, meta any, data []byte) (*nats.Msg, error) {
	text, err := marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("writing a message: %w", err)
	}
	return &nats.Msg{Subject: subject, Header: nats.Header{metaHeader: {string(text)}}, Data: data}, nil
}

func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

// readMeta reads what message wrote.
func readMeta(header nats.Header, into any) error {
	if err := json.Unmarshal([]byte(header.Get(metaHeader)), into); err != nil {
		return fmt.Errorf("reading a message: %w", err)
	}
	return nil
}
