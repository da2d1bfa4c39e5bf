package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions/problem"
)

// State is how far a job has come.
type State string

// The states. A job ends in one of the last three.
const (
	Queued     State = "queued"
	Running    State = "running"
	Retrying   State = "retrying"   // it failed, and is tried again at NextAt
	Delivering State = "delivering" // its outcome is known and on its way to a sink
	Done       State = "done"
	Failed     State = "failed" // it is among the dead letters
	Cancelled  State = "cancelled"
)

// States are all of them, in the order a job goes through them.
var States = []State{Queued, Running, Retrying, Delivering, Done, Failed, Cancelled}

// Final tells whether a job stays in the state.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Status is what is known of a job.
type Status struct {
	ID       string `json:"id"`
	Function string `json:"function"`
	Owner    string `json:"owner,omitempty"`
	State    State  `json:"state"`
	// Attempts is how often it was begun.
	Attempts int       `json:"attempts"`
	Accepted time.Time `json:"accepted_at"`
	Started  time.Time `json:"started_at,omitzero"`
	Ended    time.Time `json:"ended_at,omitzero"`
	NextAt   time.Time `json:"next_attempt_at,omitzero"`
	Deadline time.Time `json:"deadline"`
	// Problem is why it failed, or of a job that is retried, the last failure.
	Problem *problem.Problem `json:"problem,omitempty"`
	// Result is the data of the answer, where it is JSON.
	Result     json.RawMessage `json:"result,omitempty"`
	Deliveries []Delivery      `json:"deliveries,omitempty"`
	// Version grows with every change.
	Version uint64 `json:"version"`
}

// Delivery is the way of an answer to one sink.
type Delivery struct {
	Sink string `json:"sink"`
	// Callback says that the sink is the caller's own.
	Callback bool `json:"callback,omitempty"`
	// State is delivering, done or failed.
	State    State     `json:"state"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at,omitzero"`
	// Problem is the last failure, in words.
	Problem string `json:"problem,omitempty"`
}

// record is the state of a job as it is written.
type record struct {
	Job jobMeta `json:"job"`
	Status
	// Digest and Generation are the job's, of Generation that of the newest attempt.
	Digest     string `json:"digest"`
	Generation int    `json:"generation,omitempty"`
	// Faults are the attempts that count, Crashes those whose process died.
	Faults  int `json:"faults,omitempty"`
	Crashes int `json:"crashes,omitempty"`
	// Paused is when the pause before NextAt began.
	Paused time.Time `json:"paused,omitzero"`
	// Outcome is what State becomes when every delivery has ended.
	Outcome State `json:"outcome,omitempty"`
	// Answered is when the outcome was known.
	Answered time.Time `json:"answered,omitzero"`
	// Claim says that the answer lies in the object store.
	Claim string `json:"claim,omitempty"`
	// answer is the event that answers, in JSON; nil while there is none.
	answer []byte
}

// recordOf is the record of a job that nothing was written of.
func recordOf(meta jobMeta, id string) record {
	return record{
		Job: meta, Digest: meta.Digest, Generation: meta.Generation,
		Status: Status{
			ID: id, Function: meta.Function, Owner: meta.Owner, State: Queued, Accepted: meta.Accepted, Deadline: meta.Deadline,
		},
	}
}

// settled tells that the work of a generation needs no more doing.
func (r record) settled(generation int) bool {
	return r.Generation > generation ||
		r.Generation == generation && (r.State.Final() || r.State == Delivering)
}

// record reads a job's record; revision is for save. errAbsent: there is none.
func (l *link) record(ctx context.Context, id string) (r record, revision uint64, err error) {
	msg, err := l.last(ctx, records, id)
	if err != nil {
		return record{}, 0, err
	}
	r, err = readRecord(msg)
	return r, msg.Sequence, err
}

func readRecord(msg *jetstream.RawStreamMsg) (r record, err error) {
	if err := readMeta(msg.Header, &r); err != nil {
		return record{}, err
	}
	r.Version = msg.Sequence
	if len(msg.Data) > 0 {
		r.answer = msg.Data
	}
	return r, nil
}

// errChanged says that a record is not any more what it was when it was read.
var errChanged = errors.New("the job's record has changed")

// save writes a record in place of the one with the revision, 0 for none.
func (l *link) save(ctx context.Context, r record, revision uint64) (uint64, error) {
	data := r.answer
	if len(data) > l.inline && r.Claim == "" {
		r.Claim = r.ID + ".answer." + strconv.Itoa(r.Generation)
		if err := l.put(ctx, r.Claim, data); err != nil {
			return 0, err
		}
	}
	if r.Claim != "" {
		data = nil
	}
	r.Result = nil // it is in the answer
	msg, err := message(subject(records, r.ID), r, data)
	if err != nil {
		return 0, err
	}
	ack, err := l.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(revision))
	switch {
	case conflicts(err):
		return 0, errChanged
	case err != nil:
		return 0, err
	}
	return ack.Sequence, nil
}

// update changes a record, again and again while others change it too. change
// returns false where there is nothing to change.
func (l *link) update(ctx context.Context, id string, change func(*record) bool) (record, error) {
	for {
		r, revision, err := l.record(ctx, id)
		if err != nil {
			return record{}, err
		}
		if !change(&r) {
			return r, nil
		}
		r.Version, err = l.save(ctx, r, revision)
		if !errors.Is(err, errChanged) {
			return r, err
		}
	}
}

// deliver begins the deliveries of a record that has its outcome: sinks, in order.
func (r *record) deliver(job Job) {
	r.Deliveries = nil
	for _, sink := range job.Sinks {
		r.Deliveries = append(r.Deliveries, Delivery{Sink: sink, State: Delivering})
	}
	if job.Callback != "" {
		r.Deliveries = append(r.Deliveries, Delivery{Sink: job.Callback, Callback: true, State: Delivering})
	}
	r.State = Delivering
	r.settle()
}

// settle ends the record where every delivery has ended.
func (r *record) settle() {
	if slices.ContainsFunc(r.Deliveries, func(d Delivery) bool { return d.State == Delivering }) {
		return
	}
	r.State, r.Ended = r.Outcome, time.Now()
	if slices.ContainsFunc(r.Deliveries, func(d Delivery) bool { return d.State == Failed }) {
		r.State = Failed
	}
}

// cancel ends the record before its outcome is known.
func (r *record) cancel() {
	r.State, r.Ended, r.NextAt, r.Problem = Cancelled, time.Now(), time.Time{}, nil
}
