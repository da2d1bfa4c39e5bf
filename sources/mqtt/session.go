package mqtt

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/problem"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// ackTime is how often acknowledgements go out: the broker sends no more than InFlight
// messages ahead of them.
const ackTime = 5 * time.Millisecond

// session is one Run of a source, over any number of connections.
type session struct {
	options Options
	hooks   intake.Hooks
	take    intake.Take
	slots   chan struct{}
	// ctx ends with the source.
	ctx context.Context

	mu sync.Mutex
	// conn ends with the connection: what came by it and is not taken yet the broker
	// brings again by the next one. The client's handlers of one connection have all
	// returned before the next connection begins.
	conn    context.Context
	lost    context.CancelFunc
	stopped bool
	workers sync.WaitGroup
}

func newSession(o Options, hooks intake.Hooks, take intake.Take) *session {
	return &session{options: o, hooks: hooks, take: take, slots: make(chan struct{}, o.InFlight)}
}

// run stands until ctx ends.
func (s *session) run(ctx context.Context) error {
	config, err := s.options.config(s.options.Name, s.hooks)
	if err != nil {
		return err
	}
	s.ctx = ctx
	s.conn, s.lost = context.WithCancel(ctx)
	defer func() { s.lost() }()
	config.ClientID = s.options.ClientID
	config.SessionExpiryInterval = uint32(time.Duration(s.options.SessionExpiry) / time.Second)
	config.EnableManualAcknowledgment = true
	config.SendAcksInterval = ackTime
	config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){s.received}
	config.OnConnectionUp = s.up
	config.OnConnectionDown = s.down
	withSecrets := config.ConnectPacketBuilder
	config.ConnectPacketBuilder = connectWith(withSecrets, func(p *paho.ConnectProperties) {
		p.ReceiveMaximum = new(uint16(s.options.InFlight))
		// A broker drops what is larger without a word. Up to twice the bound it comes,
		// so that it can be refused aloud.
		p.MaximumPacketSize = new(uint32(2*s.options.MaxBytes + 64<<10))
	})

	// The connection outlives ctx by as long as the last acknowledgements take.
	session, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	defer disconnect()
	manager, err := autopaho.NewConnection(session, config)
	if err != nil {
		return fmt.Errorf("connecting to MQTT: %w", err)
	}
	<-ctx.Done()
	// 1. Nothing new is begun, and what was begun ends.
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.workers.Wait()
	// 2. The acknowledgements go out.
	time.Sleep(2 * ackTime)
	// 3. The broker is told good-bye, and keeps the session.
	disconnect()
	<-manager.Done()
	return nil
}

// begin starts work that the source waits for, unless it is ending.
func (s *session) begin(work func(conn context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if conn := s.conn; !s.stopped {
		s.workers.Go(func() { work(conn) })
	}
}

// down is called when a connection is lost and its handlers have returned.
func (s *session) down() bool {
	s.mu.Lock()
	s.lost()
	s.conn, s.lost = context.WithCancel(s.ctx)
	s.mu.Unlock()
	return true
}

// up subscribes. The session may know the subscriptions already; then nothing changes.
func (s *session) up(manager *autopaho.ConnectionManager, _ *paho.Connack) {
	s.begin(func(conn context.Context) {
		subscribe := &paho.Subscribe{}
		for _, topic := range s.options.Topics {
			subscribe.Subscriptions = append(subscribe.Subscriptions, paho.SubscribeOptions{
				Topic: topic, QoS: 1,
				RetainHandling: 1, // what is retained comes with a new subscription alone
			})
		}
		for failed := 1; ; failed++ {
			_, err := manager.Subscribe(conn, subscribe)
			if err == nil {
				s.hooks.Change(s.options.Name, intake.Connected, nil)
				return
			}
			if conn.Err() != nil {
				return
			}
			s.hooks.Change(s.options.Name, intake.Failing, fmt.Errorf("subscribing to %q: %w", s.options.Topics, err))
			if !intake.Sleep(conn, intake.Wait(failed)) {
				return
			}
		}
	})
}

// received must not block: the connection's own answers wait behind it. Of QoS 1 the
// broker sends InFlight messages and then waits; of QoS 0 it does not wait, so that
// what there is no room for is dropped.
func (s *session) received(p paho.PublishReceived) (bool, error) {
	if p.Packet.QoS == 0 {
		select {
		case s.slots <- struct{}{}:
		default:
			s.refuse(p.Packet, functions.Errorf(functions.Busy, "a message of QoS 0 came while there was no room"))
			return true, nil
		}
		s.begin(func(context.Context) {
			defer func() { <-s.slots }()
			s.work(s.ctx, p)
		})
		return true, nil
	}
	s.begin(func(conn context.Context) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			s.work(conn, p)
		case <-conn.Done():
		}
	})
	return true, nil
}

// work offers a message until it is taken, is refused, or conn ends, and acknowledges
// it but in the last case.
func (s *session) work(conn context.Context, p paho.PublishReceived) {
	m := s.options.message(p.Packet)
	e, err := s.options.Event(m, s.options.route(p.Packet.Topic))
	if err == nil && !s.options.subscribes(p.Packet.Topic) {
		err = functions.Errorf(functions.Invalid, "the topic is not subscribed to; the broker's session remembers an older subscription")
	}
	if err == nil {
		err = s.options.Offer(conn, intake.Take(s.takeOut), e)
		if err != nil && conn.Err() != nil && p.Packet.QoS > 0 {
			return // it comes again
		}
	}
	if err != nil {
		if !s.bury(conn, p, err) {
			return
		}
		s.hooks.Refuse(intake.Refusal{Source: s.options.Name, From: p.Packet.Topic, Event: e, Bytes: len(p.Packet.Payload), Err: err})
	}
	// Where the connection is gone this does nothing: the message comes again, and is
	// taken again under the same id.
	_ = p.Client.Ack(p.Packet)
}

// takeOut takes: what has begun is not stopped by a lost connection.
func (s *session) takeOut(_ context.Context, e events.Event) error { return s.take(s.ctx, e) }

// refuse tells of a message before anything was read of it.
func (s *session) refuse(p *paho.Publish, err error) {
	s.hooks.Refuse(intake.Refusal{Source: s.options.Name, From: p.Topic, Bytes: len(p.Payload), Err: err})
}

// bury copies a refused message to the dead letters, where there are any; false means
// that conn ended before.
func (s *session) bury(conn context.Context, p paho.PublishReceived, why error) bool {
	if s.options.DeadLetter == "" {
		return true
	}
	told, _ := problem.ForEvents(why)
	letter := &paho.Publish{QoS: 1, Topic: s.options.DeadLetter, Payload: p.Packet.Payload, Properties: &paho.PublishProperties{}}
	if had := p.Packet.Properties; had != nil {
		letter.Properties.ContentType, letter.Properties.CorrelationData = had.ContentType, had.CorrelationData
		letter.Properties.User = append(letter.Properties.User, had.User...)
	}
	letter.Properties.User.Add("saccade-reason", told.Detail)
	letter.Properties.User.Add("saccade-problem", told.Type)
	letter.Properties.User.Add("saccade-topic", p.Packet.Topic)
	for failed := 1; ; failed++ {
		_, err := p.Client.Publish(conn, letter)
		if err == nil {
			return true
		}
		if conn.Err() != nil {
			return false
		}
		s.hooks.Change(s.options.Name, intake.Failing, fmt.Errorf("copying a message to the dead letters: %w", err))
		if !intake.Sleep(conn, intake.Wait(failed)) {
			return false
		}
	}
}
