package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/seed45885407/saccade/sources/intake"
)

// listen reads a plain subject until ctx ends and all that was begun is done. What
// comes faster than it is taken is dropped by the client's library, which the hook
// hears of.
func (s *Source) listen(ctx context.Context, conn *natsgo.Conn, take intake.Take) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for failed := 1; ctx.Err() == nil; failed++ {
		err := s.subscribe(ctx, conn, take, &workers)
		if ctx.Err() == nil {
			s.hooks.Change(s.options.Name, intake.Failing, err)
			intake.Sleep(ctx, intake.Wait(failed))
		}
	}
}

func (s *Source) subscribe(ctx context.Context, conn *natsgo.Conn, take intake.Take, workers *sync.WaitGroup) error {
	sub, err := conn.QueueSubscribeSync(s.options.Subject, s.options.Queue)
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", s.options.Subject, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // it fails where the connection is gone
	if err := sub.SetPendingLimits(s.options.InFlight, s.options.InFlight*s.options.MaxBytes); err != nil {
		return fmt.Errorf("bounding what waits: %w", err)
	}
	slots := make(chan struct{}, s.options.InFlight)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			<-slots
			if errors.Is(err, natsgo.ErrSlowConsumer) {
				dropped, _ := sub.Dropped()
				s.hooks.Change(s.options.Name, intake.Failing, fmt.Errorf("%d messages dropped so far: %w", dropped, err))
				continue
			}
			return fmt.Errorf("reading %s: %w", s.options.Subject, err)
		}
		workers.Go(func() {
			defer func() { <-slots }()
			s.offer(ctx, msg, take)
		})
	}
}

// offer offers a message that nobody will bring again, as long as it takes.
func (s *Source) offer(ctx context.Context, msg *natsgo.Msg, take intake.Take) {
	m := s.message(msg.Subject, msg.Header, msg.Data)
	if m.ID = msg.Header.Get(natsgo.MsgIdHdr); m.ID == "" {
		m.ID = rand.Text()
	}
	m.Time = time.Now()
	e, err := s.options.Event(m, s.route(msg.Subject))
	if err == nil {
		err = s.options.Offer(ctx, take, e)
	}
	if err != nil {
		// Also where the gateway stops: the message is gone all the same.
		s.hooks.Refuse(intake.Refusal{Source: s.options.Name, From: msg.Subject, Event: e, Bytes: len(msg.Data), Err: err})
	}
}
