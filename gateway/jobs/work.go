package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
)

// maxCrashes is how often a job may take its process with it before it is given up:
// some gateways are killed often, some pictures kill.
const maxCrashes = 20

// attempt is one try of a job. The order of its writes is what makes it safe to die
// between any two of them:
//
//  1. The record says running. Whoever finds that, and nobody at work, knows of a crash.
//  2. The record has the outcome. From here on the work is not done again.
//  3. The deliveries stand in their stream.
//  4. The message leaves the queue.
//
// An error means that the store could not be asked: the message comes again.
func (j *Jobs) attempt(ctx context.Context, msg jetstream.Msg, work Work) error {
	var meta jobMeta
	if err := readMeta(msg.Headers(), &meta); err != nil {
		// Not ours, or of a version that is gone: kept by nobody, and told.
		return errors.Join(err, msg.TermWithReason("not a job"))
	}
	l, err := j.link()
	if err != nil {
		return err
	}
	job := meta.job()
	id := job.ID()
	rec, revision, err := l.record(ctx, id)
	if errors.Is(err, errAbsent) {
		rec, err = recordOf(meta, id), nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("reading the record of %s: %w", id, err)
	case rec.settled(job.Generation):
		return j.leave(ctx, l, msg, rec)
	case rec.Generation < job.Generation:
		// Sent round again: what was counted before does not count.
		rec.Generation, rec.Faults, rec.Crashes, rec.State = job.Generation, 0, 0, Queued
		rec.Job, rec.Accepted, rec.Deadline, rec.NextAt, rec.Deliveries = meta, job.Accepted, job.Deadline, time.Time{}, nil
	case rec.State == Running:
		rec.Crashes++
	}
	// Before its beginning a pause is none: the clock was set back.
	if wait := time.Until(rec.NextAt); rec.State == Retrying && wait > least && !time.Now().Before(rec.Paused) {
		return msg.NakWithDelay(wait) // the store forgets pauses when it starts anew
	}
	if rec.State, rec.NextAt = Running, (time.Time{}); rec.Started.IsZero() {
		rec.Started = time.Now()
	}
	rec.Attempts++
	if revision, err = l.save(ctx, rec, revision); err != nil {
		return fmt.Errorf("beginning %s: %w", id, err)
	}
	if job.Event.Data, err = l.get(ctx, meta.Claim, msg.Data()); err != nil {
		return err
	}
	answer, failure := j.try(ctx, job, rec, work)
	if failure != nil && ctx.Err() != nil {
		return fmt.Errorf("%s was broken off: %w", id, failure)
	}
	// The work may have taken minutes: the store may have been mended meanwhile.
	if l, err = j.link(); err != nil {
		return err
	}
	if rec, err = j.conclude(ctx, l, rec, job, meta.Claim, answer, failure); err != nil {
		return err
	}
	_, err = l.save(ctx, rec, revision)
	switch {
	case errors.Is(err, errChanged):
		return nil // cancelled, or taken over by another, who sees to the message
	case err != nil:
		return fmt.Errorf("keeping the outcome of %s: %w", id, err)
	case rec.State == Retrying:
		j.counts.retried(job.Function, functions.KindOf(failure))
		return msg.NakWithDelay(max(time.Until(rec.NextAt), least))
	}
	j.counts.ended(job.Function, outcomeOf(failure))
	return j.leave(ctx, l, msg, rec)
}

// conclude is the record that an attempt ends with.
func (j *Jobs) conclude(ctx context.Context, l *link, rec record, job Job, claim string, answer events.Event, failure error) (record, error) {
	if failure == nil {
		rec.Outcome, rec.Problem, rec.Answered = Done, nil, time.Now()
		rec.setAnswer(answer)
		rec.deliver(job)
		return rec, nil
	}
	p := problem.Of(failure)
	rec.Problem = &p
	if next, again := j.again(rec, failure); again {
		return next, nil
	}
	return j.failed(ctx, l, rec, job, claim, failure)
}

func outcomeOf(failure error) string {
	if failure == nil {
		return string(Done)
	}
	return string(functions.KindOf(failure))
}

// try does the work, unless there is no use in it.
func (j *Jobs) try(ctx context.Context, job Job, rec record, work Work) (answer events.Event, err error) {
	if !time.Now().Before(job.Deadline) {
		return answer, expired{rec.Problem}
	}
	if rec.Crashes >= maxCrashes {
		return answer, functions.Errorf(functions.Unreadable, "the work ended its process %d times", rec.Crashes)
	}
	ctx, cancel := context.WithTimeout(ctx, min(j.opts.AttemptTimeout, time.Until(job.Deadline)))
	defer cancel()
	id := job.ID()
	j.mu.Lock()
	j.working[id] = cancel
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		delete(j.working, id)
		j.mu.Unlock()
		if p := recover(); p != nil { // one job must not take the others with it
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	answer, err = work(ctx, job)
	if err != nil && ctx.Err() != nil && functions.KindOf(err) == functions.Internal {
		err = functions.Errorf(functions.Timeout, "the attempt took too long").Because(err)
	}
	return answer, err
}

// expired is why a job is given up whose time is over.
type expired struct{ last *problem.Problem }

func (e expired) Error() string { return "the job's time is over" }

// Unwrap is what the caller may read.
func (e expired) Unwrap() error {
	if e.last == nil {
		return functions.Errorf(functions.Timeout, "the job's time was over before it was done")
	}
	return functions.Errorf(functions.Timeout, "the job's time was over before it was done; last: %s", e.last.Detail)
}

func (r *record) setAnswer(answer events.Event) {
	text, err := marshal(answer)
	if err != nil { // an answer with data that calls itself JSON and is none
		answer.Base64, answer.Data = "", nil
		text, _ = marshal(answer)
	}
	r.answer, r.Claim = text, ""
}

// again is the record of a job that is tried again, where that is of use.
func (j *Jobs) again(rec record, failure error) (record, bool) {
	if _, over := errors.AsType[expired](failure); over {
		return rec, false
	}
	switch classOf(failure) {
	case permanent:
		return rec, false
	case faulty:
		if rec.Faults++; rec.Faults >= j.opts.MaxAttempts {
			return rec, false
		}
	}
	rec.State, rec.Paused = Retrying, time.Now()
	rec.NextAt = rec.Paused.Add(j.pauseAfter(rec.Attempts, failure))
	if rec.NextAt.After(rec.Deadline) { // once more when its time is over, to be given up
		rec.NextAt = rec.Deadline
	}
	return rec, true
}

// failed lays a job among the dead letters and returns the record of that. The sinks
// are told of it too.
func (j *Jobs) failed(ctx context.Context, l *link, rec record, job Job, claim string, cause error) (record, error) {
	if err := l.bury(ctx, letter{Job: job.meta(claim), Stage: StageWork, Attempts: rec.Attempts, At: time.Now()}, job.Event.Data, cause); err != nil {
		return rec, fmt.Errorf("keeping the dead letter of %s: %w", rec.ID, err)
	}
	answer, err := events.Failed(job.Event, j.opts.Source+"/functions/"+job.Function, cause)
	if err != nil {
		return rec, err
	}
	rec.Outcome, rec.Answered = Failed, time.Now()
	rec.setAnswer(answer)
	rec.deliver(job)
	return rec, nil
}

// leave takes a job out of the queue whose outcome is known, its deliveries on their
// way first.
func (j *Jobs) leave(ctx context.Context, l *link, msg jetstream.Msg, rec record) error {
	if rec.State == Delivering {
		if err := j.dispatch(ctx, l, rec); err != nil {
			return err
		}
	}
	if err := msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("taking %s out of the queue: %w", rec.ID, err)
	}
	if rec.Outcome != Failed && rec.State != Cancelled { // a dead letter has need of it
		if claim := rec.Job.Claim; claim != "" {
			return l.drop(ctx, claim)
		}
	}
	return nil
}

// dispatch puts the deliveries of a record into their stream, where they are not yet.
func (j *Jobs) dispatch(ctx context.Context, l *link, rec record) error {
	for i, d := range rec.Deliveries {
		if d.State != Delivering {
			continue
		}
		key := sinkKey(d.Sink, d.Callback)
		if _, err := j.lane(ctx, l, deliveries, key); err != nil {
			return err
		}
		// The generation: what is left of an earlier round must not stand for this one.
		at := fmt.Sprintf("%s%s.%s.%d-%d", subjects[deliveries], key, rec.ID, rec.Generation, i)
		msg, err := message(at, deliveryMeta{ID: rec.ID, Number: i, Generation: rec.Generation}, nil)
		if err != nil {
			return err
		}
		if _, err := l.create(ctx, msg, fmt.Sprintf("%s.%d.%d", rec.ID, rec.Generation, i)); err != nil {
			return fmt.Errorf("putting the answer of %s on its way: %w", rec.ID, err)
		}
	}
	return nil
}
