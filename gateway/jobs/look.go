package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Get is a job's status, its result included. Errors are functions.Errors:
// JobNotFound, Unavailable.
func (j *Jobs) Get(ctx context.Context, id string) (Status, error) {
	l, err := j.link()
	if err != nil {
		return Status{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	rec, err := l.find(ctx, id)
	if err != nil {
		return Status{}, j.unfound(err)
	}
	answer, err := l.get(ctx, rec.Claim, rec.answer)
	if err != nil {
		return Status{}, j.unavailable(err)
	}
	rec.Result = result(answer, rec.Outcome)
	return rec.Status, nil
}

// find is the record of a job, or of one that is queued what its record would be.
func (l *link) find(ctx context.Context, id string) (record, error) {
	rec, _, err := l.record(ctx, id)
	if !errors.Is(err, errAbsent) {
		return rec, err
	}
	meta, _, err := l.queued(ctx, id)
	if err == nil {
		return recordOf(meta, id), nil
	}
	if !errors.Is(err, errAbsent) {
		return record{}, err
	}
	rec, _, err = l.record(ctx, id) // it may have left the queue between the two
	return rec, err
}

func (j *Jobs) unfound(err error) error {
	if errors.Is(err, errAbsent) {
		return functions.Errorf(functions.JobNotFound, "there is no such job, or none any more")
	}
	return j.unavailable(err)
}

// result is the data of an answer, for readers of JSON.
func result(answer []byte, outcome State) json.RawMessage {
	if outcome != Done || answer == nil {
		return nil
	}
	e, err := events.Parse(answer)
	if err != nil || e.Base64 != "" || !json.Valid(e.Data) {
		return nil
	}
	return e.Data
}

// Cancel ends a job that has not ended: what is being worked on for it is broken
// off. Errors are functions.Errors: JobNotFound, Conflict for a job whose outcome is
// known, Unavailable.
func (j *Jobs) Cancel(ctx context.Context, id string) error {
	l, err := j.link()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	for {
		rec, revision, err := l.record(ctx, id)
		if errors.Is(err, errAbsent) {
			rec, err = l.find(ctx, id)
			revision = rec.Version
		}
		switch {
		case err != nil:
			return j.unfound(err)
		case rec.State == Cancelled:
			return nil
		case rec.State.Final() || rec.State == Delivering:
			return functions.Errorf(functions.Conflict, "the job's outcome is known: it is %s", rec.State)
		}
		rec.cancel()
		_, err = l.save(ctx, rec, revision)
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return j.unavailable(err)
		}
		j.counts.ended(rec.Function, string(Cancelled))
		j.mu.Lock()
		if abandon := j.working[id]; abandon != nil {
			abandon()
		}
		j.mu.Unlock()
		return j.unavailableUnless(l.forget(ctx, id))
	}
}

func (j *Jobs) unavailableUnless(err error) error {
	if err == nil {
		return nil
	}
	return j.unavailable(err)
}

// forget takes a cancelled job out of the queue. Where that fails the worker that
// gets it sees that it is cancelled.
func (l *link) forget(ctx context.Context, id string) error {
	meta, number, err := l.queued(ctx, id)
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := l.remove(ctx, queue, number); err != nil {
		return err
	}
	return l.drop(ctx, meta.Claim)
}

// Filter says which jobs are listed; the zero value is all.
type Filter struct {
	Function string
	State    State
	// Owner is looked at where Owned is set.
	Owner string
	Owned bool
	// Limit is the most jobs of one page. Default 50, at most 500.
	Limit int
	// Cursor is where the page before ended.
	Cursor string
}

// maxScan is the most messages that are looked at for one page.
const maxScan = 1000

// List is a page of jobs, those that wait first and then the others in the order of
// their last change, and the cursor of the next page, "" at the end. A page may be
// short and not the last. Results are left out.
//
// Errors are functions.Errors: Invalid, Unavailable.
func (j *Jobs) List(ctx context.Context, f Filter) (page []Status, cursor string, err error) {
	if f.Limit = min(f.Limit, 500); f.Limit <= 0 {
		f.Limit = 50
	}
	if f.Function != "" && !label(f.Function) {
		return nil, "", functions.Errorf(functions.Invalid, "%.64q is no name of a function", f.Function)
	}
	stream, at, err := readCursor(f.Cursor)
	if err != nil {
		return nil, "", err
	}
	l, err := j.link()
	if err != nil {
		return nil, "", err
	}
	page = []Status{}
	for range maxScan {
		msg, err := l.streams[stream].GetMsg(ctx, at, jetstream.WithGetMsgSubject(subjects[stream]+orStar(f.Function)+".*"))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound) && stream == queue:
			stream, at = records, 1
			continue
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return page, "", nil
		case err != nil:
			return nil, "", j.unavailable(fmt.Errorf("listing jobs: %w", err))
		}
		at = msg.Sequence + 1
		status, listed, err := l.listed(ctx, stream, msg)
		if err != nil {
			return nil, "", j.unavailable(err)
		}
		if !listed || f.State != "" && f.State != status.State || f.Owned && f.Owner != status.Owner {
			continue
		}
		if page = append(page, status); len(page) == f.Limit {
			break
		}
	}
	return page, writeCursor(stream, at), nil
}

// listed is the job of a message, unless it is listed elsewhere.
func (l *link) listed(ctx context.Context, stream string, msg *jetstream.RawStreamMsg) (Status, bool, error) {
	if stream == records {
		rec, err := readRecord(msg)
		if err != nil {
			return Status{}, false, err
		}
		return rec.Status, true, nil
	}
	var meta jobMeta
	if err := readMeta(msg.Header, &meta); err != nil {
		return Status{}, false, err
	}
	id := meta.job().ID()
	if _, _, err := l.record(ctx, id); !errors.Is(err, errAbsent) {
		return Status{}, false, err
	}
	return recordOf(meta, id).Status, true, nil
}

func orStar(function string) string {
	if function == "" {
		return "*"
	}
	return function
}

func writeCursor(stream string, at uint64) string {
	if stream == queue {
		return "q" + strconv.FormatUint(at, 10)
	}
	return "r" + strconv.FormatUint(at, 10)
}

func readCursor(cursor string) (stream string, at uint64, err error) {
	if cursor == "" {
		return queue, 1, nil
	}
	stream = queue
	number, ok := strings.CutPrefix(cursor, "q")
	if !ok {
		stream = records
		number, ok = strings.CutPrefix(cursor, "r")
	}
	if at, err = strconv.ParseUint(number, 10, 63); err != nil || !ok || at == 0 {
		return "", 0, functions.Errorf(functions.Invalid, "this is no cursor of a list of jobs")
	}
	return stream, at, nil
}
