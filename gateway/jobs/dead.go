package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// The stages in which something is given up.
const (
	StageWork     = "work"     // the job could not be done
	StageDelivery = "delivery" // its answer could not be delivered
)

// letter is a dead letter: what was given up, with all that is needed to send it
// round again.
type letter struct {
	Job      jobMeta   `json:"job"`
	Stage    string    `json:"stage"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
	// Sink is the one that did not take the answer.
	Sink string `json:"sink,omitempty"`
	// Record is that of the job whose answer was not delivered: it may be gone before
	// the letter is. Claim is where a long answer lies.
	Record *record `json:"record,omitempty"`
}

// bury stores a dead letter with the event as its data and the reason in extension
// attributes, as CloudEvents are carried over NATS (binary mode), so that anybody
// can read the stream.
func (l *link) bury(ctx context.Context, x letter, data []byte, cause error) error {
	id := x.Job.job().ID()
	if len(data) > l.inline { // it is in the object store
		data = nil
	}
	msg, err := message(subject(dead, id), x, data)
	if err != nil {
		return err
	}
	e := x.Job.Event
	e.Extensions = reasons(x, cause, e.Extensions)
	h := http.Header{}
	e.SetHeader(h)
	for name, values := range h {
		msg.Header[strings.ToLower(name)] = values // ce-id, content-type
	}
	_, err = l.js.PublishMsg(ctx, msg)
	return err
}

// reasons are the extension attributes of an event that was given up. dataref is
// where data lies that is too long to go with it (extensions/dataref.md).
func reasons(x letter, cause error, before map[string]any) map[string]any {
	all := map[string]any{}
	for name, value := range before {
		all[name] = value
	}
	detail := "a fault of ours"
	if e, ok := errors.AsType[*functions.Error](cause); ok {
		detail = e.Detail
	}
	all["deadletterreason"] = plain(detail)
	all["deadletterkind"] = string(functions.KindOf(cause))
	all["deadletterstage"] = x.Stage
	all["deadletterattempts"] = int32(x.Attempts)
	all["deadlettertime"] = x.At.UTC().Format(time.RFC3339Nano)
	if x.Sink != "" {
		all["deadlettersink"] = x.Sink
	}
	if x.Job.Claim != "" && x.Stage == StageWork {
		all["dataref"] = "nats-object:" + claims + "/" + x.Job.Claim
	}
	return all
}

// plain is text that an attribute may have.
func plain(text string) string {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r < 0x20 || r >= 0x7f && r <= 0x9f {
			r = ' '
		}
		if out = append(out, r); len(out) == 500 {
			break
		}
	}
	return string(out)
}

// Redrive sends what was given up round again: a job that failed is worked on anew,
// an answer that was not taken is delivered anew, and nothing is inferred for that.
//
// Errors are functions.Errors: JobNotFound, Conflict for a job that is not among the
// dead letters, Unavailable.
func (j *Jobs) Redrive(ctx context.Context, id string) error {
	l, err := j.link()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	msg, err := l.last(ctx, dead, id)
	if errors.Is(err, errAbsent) {
		if _, err := j.Get(ctx, id); err != nil {
			return err
		}
		return functions.Errorf(functions.Conflict, "the job is not among the dead letters")
	}
	if err != nil {
		return j.unavailable(err)
	}
	var x letter
	if err := readMeta(msg.Header, &x); err != nil {
		return err
	}
	if x.Stage == StageDelivery {
		err = j.redeliver(ctx, l, x, msg.Data)
	} else {
		err = j.redo(ctx, l, x, msg.Data)
	}
	if err != nil {
		return j.unavailable(fmt.Errorf("sending %s round again: %w", id, err))
	}
	// Last, so that whatever happens before, the letter can be sent again.
	// Where the job was so fast as to be dead again, its new letter has taken the place.
	if err := l.remove(ctx, dead, msg.Sequence); err != nil {
		return j.unavailable(err)
	}
	j.counts.redriven(x.Job.Function)
	if x.Stage == StageWork { // its data went with the new message
		return j.unavailableUnless(l.drop(ctx, x.Job.Claim))
	}
	return nil
}

// redo puts the job back into the queue, as its next generation.
func (j *Jobs) redo(ctx context.Context, l *link, x letter, data []byte) error {
	job := x.Job.job()
	id := job.ID()
	var err error
	if job.Event.Data, err = l.get(ctx, x.Job.Claim, data); err != nil {
		return err
	}
	rec, revision, err := l.record(ctx, id)
	switch {
	case errors.Is(err, errAbsent): // its time was over; the letter's was not
		rec, revision, err = recordOf(x.Job, id), 0, nil
	case err != nil:
		return err
	}
	if _, err := j.lane(ctx, l, queue, job.Function); err != nil {
		return err
	}
	job.Generation = max(job.Generation, rec.Generation) + 1
	job.Accepted = time.Now()
	job.Deadline = job.Accepted.Add(j.opts.MaxAge)
	// Where it is in the queue somebody else was faster: that round counts.
	if fresh, err := l.enqueue(ctx, job); err != nil || !fresh {
		return err
	}
	rec.Generation, rec.State, rec.Faults, rec.Crashes = job.Generation, Queued, 0, 0
	rec.Accepted, rec.Deadline, rec.Ended, rec.NextAt = job.Accepted, job.Deadline, time.Time{}, time.Time{}
	rec.Problem, rec.answer, rec.Claim, rec.Deliveries, rec.Outcome = nil, nil, "", nil, ""
	// A worker may have been faster than we are: then the record is its.
	if _, err := l.save(ctx, rec, revision); err != nil && !errors.Is(err, errChanged) {
		return err
	}
	return nil
}

// redeliver puts the answer on its way to the sinks that did not take it.
func (j *Jobs) redeliver(ctx context.Context, l *link, x letter, answer []byte) error {
	again := func(r *record) bool {
		r.Generation++
		r.State, r.Outcome, r.Ended, r.Answered, r.Problem = Delivering, Done, time.Time{}, time.Now(), nil
		for i := range r.Deliveries {
			if r.Deliveries[i].State == Failed {
				r.Deliveries[i] = Delivery{Sink: r.Deliveries[i].Sink, Callback: r.Deliveries[i].Callback, State: Delivering}
			}
		}
		return true
	}
	rec, err := l.update(ctx, x.Job.job().ID(), again)
	if errors.Is(err, errAbsent) && x.Record != nil {
		rec = *x.Record
		rec.answer = answer
		again(&rec)
		_, err = l.save(ctx, rec, 0)
	}
	if err != nil {
		return err
	}
	return j.dispatch(ctx, l, rec)
}

// deliveryMeta is the message of one answer on its way to one sink.
type deliveryMeta struct {
	ID         string `json:"id"`
	Number     int    `json:"number"`
	Generation int    `json:"generation,omitempty"`
}

// undelivered lays an answer among the dead letters.
func (l *link) undelivered(ctx context.Context, rec record, number int, cause error) error {
	d := rec.Deliveries[number]
	x := letter{
		Job: rec.Job, Stage: StageDelivery, Attempts: d.Attempts + 1, At: time.Now(), Sink: d.Sink, Record: &rec,
	}
	if err := l.bury(ctx, x, rec.answer, cause); err != nil {
		return fmt.Errorf("keeping the dead letter of %s to sink %d: %w", rec.ID, number, err)
	}
	return nil
}
