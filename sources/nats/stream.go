package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

const (
	// pullTime is how long one request for messages stands.
	pullTime = 30 * time.Second
	// heartbeat is how often the server says that a request stands: of a server that
	// went and came back the source hears twice this later.
	heartbeat = time.Second
	// askTime bounds what is asked of the server.
	askTime = 5 * time.Second
)

// consume reads the stream until ctx ends and all that was begun is done.
func (s *Source) consume(ctx context.Context, conn *natsgo.Conn, take intake.Take) {
	var workers sync.WaitGroup
	defer workers.Wait()
	lost := conn.StatusChanged(natsgo.RECONNECTING)
	defer conn.RemoveStatusListener(lost)
	slots := make(chan struct{}, s.options.InFlight)
	for failed := 1; ctx.Err() == nil; failed++ {
		// A server that comes back knows nothing of what it was asked before.
		standing, end := context.WithCancel(ctx)
		workers.Go(func() {
			defer end()
			select {
			case <-lost:
			case <-standing.Done():
			}
		})
		pulled, err := s.pull(standing, conn, slots, func(js jetstream.JetStream, msg jetstream.Msg) {
			workers.Go(func() {
				defer func() { <-slots }()
				s.work(ctx, js, msg, take)
			})
		})
		interrupted := standing.Err() != nil
		end()
		if pulled || interrupted {
			failed = 1
		}
		if !interrupted {
			s.hooks.Change(s.options.Name, intake.Failing, err)
		}
		for wait := true; wait && intake.Sleep(ctx, intake.Wait(failed)); {
			wait = !conn.IsConnected()
		}
	}
}

// pull makes the consumer and asks it for messages until that fails, or ctx ends. Each
// message has one of the slots. pulled tells whether it ever went well.
func (s *Source) pull(ctx context.Context, conn *natsgo.Conn, slots chan struct{}, begin func(jetstream.JetStream, jetstream.Msg)) (pulled bool, err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return false, fmt.Errorf("speaking to JetStream: %w", err)
	}
	consumer, err := s.consumer(ctx, js)
	if err != nil {
		return false, err
	}
	for {
		// As many as there is room for: none lies here waiting while its time runs.
		free, ok := acquire(ctx, slots)
		if !ok {
			return true, ctx.Err()
		}
		pullCtx, cancel := context.WithTimeout(ctx, pullTime)
		batch, err := consumer.Fetch(free, jetstream.FetchContext(pullCtx), jetstream.FetchHeartbeat(heartbeat))
		if err == nil {
			for msg := range batch.Messages() {
				free--
				begin(js, msg)
			}
			err = batch.Error()
		}
		cancel()
		for range free {
			<-slots
		}
		if err != nil && (ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded)) {
			return pulled, fmt.Errorf("pulling from stream %s: %w", s.options.Stream, err)
		}
		pulled = true
	}
}

// acquire waits for one slot and takes all that are free.
func acquire(ctx context.Context, slots chan struct{}) (n int, ok bool) {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return 0, false
	}
	for n = 1; ; n++ {
		select {
		case slots <- struct{}{}:
		default:
			return n, true
		}
	}
}

// consumer is the durable one, made where it is not there and changed where it is
// another.
func (s *Source) consumer(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	config := jetstream.ConsumerConfig{
		Durable: s.options.Consumer, FilterSubject: s.options.Subject,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Duration(s.options.AckWait), MaxDeliver: -1,
		// Those that wait for another try count: they do not stop the others until
		// there are many of them.
		MaxAckPending: max(16*s.options.InFlight, 256),
	}
	if s.options.Start == "new" {
		config.DeliverPolicy = jetstream.DeliverNewPolicy
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, s.options.Stream, config)
	if err != nil {
		return nil, fmt.Errorf("making the consumer %s of stream %s: %w", s.options.Consumer, s.options.Stream, err)
	}
	return consumer, nil
}

// work offers one message and answers the stream for it.
func (s *Source) work(ctx context.Context, js jetstream.JetStream, msg jetstream.Msg, take intake.Take) {
	meta, err := msg.Metadata()
	if err != nil { // the server's own words; without them the message cannot be answered
		s.hooks.Change(s.options.Name, intake.Failing, fmt.Errorf("reading what JetStream says of a message: %w", err))
		return
	}
	m := s.message(msg.Subject(), msg.Headers(), msg.Data())
	// A stream that is made anew counts from 1 again; the time tells them apart.
	m.ID = fmt.Sprintf("%s-%d-%d", meta.Stream, meta.Sequence.Stream, meta.Timestamp.UnixNano())
	m.Time = meta.Timestamp
	e, err := s.options.Event(m, s.route(msg.Subject()))
	after, again := time.Duration(0), false
	if err == nil {
		err = s.hold(msg, func() error { return take(ctx, e) })
		if err == nil {
			s.answer(msg.Ack())
			return
		}
		if ctx.Err() != nil {
			s.answer(msg.Nak()) // somebody else may have it now
			return
		}
		after, again = s.options.Again(err, int(min(meta.NumDelivered, 1<<20)))
	}
	if !again {
		if err := s.bury(ctx, js, msg, m.ID, err); err != nil {
			s.hooks.Change(s.options.Name, intake.Failing, err)
			after, again = intake.Wait(int(min(meta.NumDelivered, 1<<20))), true
		}
	}
	if again {
		s.answer(msg.NakWithDelay(after))
		return
	}
	from := fmt.Sprintf("%s, message %d of stream %s", msg.Subject(), meta.Sequence.Stream, meta.Stream)
	s.hooks.Refuse(intake.Refusal{Source: s.options.Name, From: from, Event: e, Bytes: len(msg.Data()), Err: err})
	s.answer(msg.TermWithReason(string(functions.KindOf(err))))
}

// hold tells the stream that a message is still worked on, while it is.
func (s *Source) hold(msg jetstream.Msg, work func() error) error {
	done := make(chan struct{})
	var beat sync.WaitGroup
	beat.Go(func() {
		ticker := time.NewTicker(time.Duration(s.options.AckWait) / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.answer(msg.InProgress())
			case <-done:
				return
			}
		}
	})
	defer beat.Wait()
	defer close(done)
	return work()
}

// answer notes an acknowledgement that could not be sent; the message comes again.
func (s *Source) answer(err error) {
	if err != nil {
		s.hooks.Change(s.options.Name, intake.Failing, fmt.Errorf("acknowledging a message: %w", err))
	}
}

// bury copies a refused message to the dead letters, where there are any.
func (s *Source) bury(ctx context.Context, js jetstream.JetStream, msg jetstream.Msg, id string, why error) error {
	if s.options.DeadLetter == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	letter := natsgo.NewMsg(s.options.DeadLetter)
	letter.Data = msg.Data()
	for name, values := range msg.Headers() {
		// Those are words to the server, for the message as it first came.
		if !strings.HasPrefix(strings.ToLower(name), "nats-") {
			letter.Header[name] = values
		}
	}
	p, _ := problem.ForEvents(why)
	letter.Header["Saccade-Reason"] = []string{escape(p.Detail)}
	letter.Header["Saccade-Problem"] = []string{p.Type}
	letter.Header["Saccade-Subject"] = []string{msg.Subject()}
	if _, err := js.PublishMsg(ctx, letter, jetstream.WithMsgID(events.TypeFailed+" "+id)); err != nil {
		return fmt.Errorf("copying a message to the dead letters: %w", err)
	}
	return nil
}
