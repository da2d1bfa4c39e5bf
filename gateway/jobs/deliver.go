package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// send is one try to deliver an answer. What it changes is the record's delivery
// alone: the work has been done, whatever a sink says. An error means that the store
// could not be asked: the message comes again.
func (j *Jobs) send(ctx context.Context, msg jetstream.Msg) error {
	var m deliveryMeta
	if err := readMeta(msg.Headers(), &m); err != nil {
		return errors.Join(err, msg.TermWithReason("not a delivery"))
	}
	l, err := j.link()
	if err != nil {
		return err
	}
	rec, _, err := l.record(ctx, m.ID)
	switch {
	case errors.Is(err, errAbsent):
		return msg.DoubleAck(ctx) // nobody can ask for it any more
	case err != nil:
		return fmt.Errorf("reading the record of %s: %w", m.ID, err)
	case rec.Generation != m.Generation || m.Number >= len(rec.Deliveries) || rec.Deliveries[m.Number].State != Delivering:
		return msg.DoubleAck(ctx)
	}
	failure := j.hand(ctx, l, rec, m.Number)
	if failure != nil && ctx.Err() != nil {
		return fmt.Errorf("the delivery of %s was broken off: %w", m.ID, failure)
	}
	// The sink may have taken its time: the store may have been mended meanwhile.
	if l, err = j.link(); err != nil {
		return err
	}
	over := failure != nil && (classOf(failure) == permanent || time.Since(rec.Answered) >= j.opts.SinkMaxAge)
	if over && rec.Outcome == Done { // of a job that failed there is a letter already
		if err := l.undelivered(ctx, rec, m.Number, failure); err != nil {
			return err
		}
	}
	after, err := l.update(ctx, m.ID, func(r *record) bool {
		if r.Generation != m.Generation || m.Number >= len(r.Deliveries) || r.Deliveries[m.Number].State != Delivering {
			return false
		}
		d := &r.Deliveries[m.Number]
		d.Attempts++
		d.At, d.Problem = time.Now(), ""
		switch {
		case failure == nil:
			d.State = Done
		case over:
			d.State = Failed
		}
		if failure != nil {
			d.Problem = detailOf(failure)
		}
		r.settle()
		return true
	})
	if err != nil && !errors.Is(err, errAbsent) {
		return fmt.Errorf("keeping the delivery of %s: %w", m.ID, err)
	}
	if failure == nil || over || err != nil {
		j.counts.delivered(outcomeOf(failure))
		return msg.DoubleAck(ctx)
	}
	j.counts.delivered("retried")
	return msg.NakWithDelay(j.pauseAfter(after.Deliveries[m.Number].Attempts, failure))
}

// hand gives the answer to the sink.
func (j *Jobs) hand(ctx context.Context, l *link, rec record, number int) error {
	text, err := l.get(ctx, rec.Claim, rec.answer)
	if err != nil {
		return err
	}
	answer, err := events.Parse(text)
	if err != nil {
		return functions.Errorf(functions.Invalid, "the answer cannot be read back").Because(err)
	}
	for name, value := range j.opts.Overrides {
		if answer.Extensions == nil {
			answer.Extensions = map[string]any{}
		}
		answer.Extensions[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.SinkTimeout)
	defer cancel()
	d := rec.Deliveries[number]
	return j.sinks.publish(ctx, d.Sink, d.Callback, answer)
}

// detailOf is what a reader of the job's status may know of a failure.
func detailOf(err error) string {
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e.Detail
	}
	return "the sink could not be reached"
}
