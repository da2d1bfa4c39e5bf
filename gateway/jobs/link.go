package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
)

// The streams, and what their subjects begin with. Subjects end in a job's id, so
// that a job is found by its subject and nothing else need be written to find it.
const (
	queue      = "SACCADE_JOBS"       // saccade.jobs.FUNCTION.ID
	records    = "SACCADE_RECORDS"    // saccade.records.FUNCTION.ID
	deliveries = "SACCADE_DELIVERIES" // saccade.deliveries.SINK.ID.GENERATION-NUMBER
	dead       = "SACCADE_DEAD"       // saccade.dead.FUNCTION.ID
	claims     = "SACCADE_CLAIMS"     // an object store
)

// told is where a change of a record is told of, once it is stored.
const told = "saccade.told."

var subjects = map[string]string{
	queue: "saccade.jobs.", records: "saccade.records.", deliveries: "saccade.deliveries.", dead: "saccade.dead.",
}

// maxPayload is the most bytes of a message to the server in this process.
const maxPayload = 8 << 20

// link is one connection to the streams. It ends with the server it leads to.
type link struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	streams map[string]jetstream.Stream
	objects jetstream.ObjectStore
	inline  int
	// gone is closed when the link is of no use any more.
	gone chan struct{}
}

func (l *link) close() {
	close(l.gone)
	l.conn.Close()
}

// connect makes a link, and the streams where they are not there.
func (j *Jobs) connect(ctx context.Context) (*link, error) {
	options := []nats.Option{nats.Name("saccade jobs"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(false)}
	if server := j.server.running(); server != nil {
		options = append(options, nats.InProcessServer(server), nats.MaxReconnects(0))
	} else if j.opts.Credentials != "" {
		options = append(options, nats.UserCredentials(j.opts.Credentials))
	}
	conn, err := nats.Connect(j.opts.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the store of jobs: %w", err)
	}
	l := &link{conn: conn, streams: map[string]jetstream.Stream{}, gone: make(chan struct{})}
	// Of a cluster only the operator knows what it takes: a message has a head too.
	l.inline = min(j.opts.MaxInline, int(conn.MaxPayload())/2)
	if err := l.setUp(ctx, j.opts); err != nil {
		conn.Close()
		return nil, fmt.Errorf("setting up the store of jobs: %w", err)
	}
	return l, nil
}

func (l *link) setUp(ctx context.Context, o Options) (err error) {
	if l.js, err = jetstream.New(l.conn); err != nil {
		return err
	}
	for _, c := range streamConfigs(o) {
		if l.streams[c.Name], err = l.js.CreateOrUpdateStream(ctx, c); err != nil {
			return fmt.Errorf("stream %s: %w", c.Name, err)
		}
	}
	// What nobody removed, because a process died in between, goes by age.
	l.objects, err = l.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{
		Bucket: claims, TTL: o.MaxAge + o.SinkMaxAge + o.KeepFor + o.KeepDead, Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return fmt.Errorf("object store %s: %w", claims, err)
	}
	return nil
}

func streamConfigs(o Options) []jetstream.StreamConfig {
	stream := func(name, tail string) jetstream.StreamConfig {
		return jetstream.StreamConfig{
			Name: name, Subjects: []string{subjects[name] + tail}, Storage: jetstream.FileStorage, Replicas: o.Replicas,
			// Of replicas any one answers a direct get, and it may not know the newest yet.
			AllowDirect: o.Replicas == 1,
			Discard:     jetstream.DiscardNew, Duplicates: dedupe,
		}
	}
	q := stream(queue, "*.*")
	q.Retention = jetstream.WorkQueuePolicy // no age: what was accepted does not vanish
	d := stream(deliveries, "*.*.*")
	d.Retention = jetstream.WorkQueuePolicy
	r := stream(records, "*.*")
	r.MaxMsgsPerSubject, r.MaxAge, r.Discard = 1, o.KeepFor, jetstream.DiscardOld
	r.RePublish = &jetstream.RePublish{Source: ">", Destination: told + ">", HeadersOnly: true}
	x := stream(dead, "*.*")
	x.MaxMsgsPerSubject, x.MaxAge, x.Discard = 1, o.KeepDead, jetstream.DiscardOld
	return []jetstream.StreamConfig{q, r, d, x}
}

// dedupe is for how long the store itself knows a message again. It covers two that
// come at a time; the records know what was before.
const dedupe = 2 * time.Minute

// errAbsent is of what the store does not have.
var errAbsent = errors.New("not in the store")

// subject is where a job is in a stream; "" for what is no job's id.
func subject(stream, id string) string {
	function, ok := functionOf(id)
	if !ok {
		return ""
	}
	return subjects[stream] + function + "." + id
}

// last is the newest message of a job in a stream.
func (l *link) last(ctx context.Context, stream, id string) (*jetstream.RawStreamMsg, error) {
	at := subject(stream, id)
	if at == "" {
		return nil, errAbsent
	}
	msg, err := l.streams[stream].GetLastMsgForSubject(ctx, at)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, errAbsent
	}
	return msg, err
}

// enqueue stores the job; fresh is false where it is in the queue already.
func (l *link) enqueue(ctx context.Context, job Job) (fresh bool, err error) {
	id, data, claim := job.ID(), job.Event.Data, ""
	if len(data) > l.inline {
		if _, _, err := l.queued(ctx, id); !errors.Is(err, errAbsent) {
			return false, err
		}
		// The digest: another request under this id must not write over the first one's data.
		claim = id + ".job." + strconv.Itoa(job.Generation) + "." + job.Digest
		if err := l.put(ctx, claim, data); err != nil {
			return false, err
		}
		data = nil
	}
	msg, err := message(subject(queue, id), job.meta(claim), data)
	if err != nil {
		return false, err
	}
	if len(msg.Header.Get(metaHeader)) > maxMeta {
		return false, functions.Errorf(functions.Invalid, "the event's attributes are too long to be kept")
	}
	return l.create(ctx, msg, id+"."+strconv.Itoa(job.Generation))
}

// create publishes msg as the first of its subject; fresh is false where there is one.
func (l *link) create(ctx context.Context, msg *nats.Msg, name string) (fresh bool, err error) {
	ack, err := l.js.PublishMsg(ctx, msg, jetstream.WithMsgID(name), jetstream.WithExpectLastSequencePerSubject(0))
	switch {
	case conflicts(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return !ack.Duplicate, nil
}

// conflicts tells that a message was not the next of its subject.
func conflicts(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// queued is the job as it stands in the queue, without its data, and its number there.
func (l *link) queued(ctx context.Context, id string) (jobMeta, uint64, error) {
	msg, err := l.last(ctx, queue, id)
	if err != nil {
		return jobMeta{}, 0, err
	}
	var m jobMeta
	return m, msg.Sequence, readMeta(msg.Header, &m)
}

// remove takes a message out of a stream, if it is there.
func (l *link) remove(ctx context.Context, stream string, number uint64) error {
	err := l.streams[stream].DeleteMsg(ctx, number)
	if err == nil {
		return nil
	}
	if _, gone := l.streams[stream].GetMsg(ctx, number); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("removing a message: %w", err)
}

// put writes a claim: whole, or not at all.
func (l *link) put(ctx context.Context, name string, data []byte) error {
	if _, err := l.objects.PutBytes(ctx, name, data); err != nil {
		return fmt.Errorf("storing %d bytes beside the stream: %w", len(data), err)
	}
	return nil
}

// get is inline data, or what the claim stands for.
func (l *link) get(ctx context.Context, claim string, inline []byte) ([]byte, error) {
	if claim == "" {
		return inline, nil
	}
	data, err := l.objects.GetBytes(ctx, claim)
	if err != nil {
		return nil, fmt.Errorf("reading what lies beside the stream: %w", err)
	}
	return data, nil
}

// drop removes a claim. What stays behind goes by age.
func (l *link) drop(ctx context.Context, claim string) error {
	if claim == "" {
		return nil
	}
	if err := l.objects.Delete(ctx, claim); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("removing what lies beside the stream: %w", err)
	}
	return nil
}
