package sources

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/nats"
)

// publisher sends to one broker.
type publisher interface {
	Publish(ctx context.Context, sink *url.URL, e events.Event) error
	// Has tells whether host is the broker.
	Has(host string) bool
	Close()
}

// Sinks are the brokers that answers may go to.
type Sinks struct {
	nats, mqtt []publisher
}

// Check finds all that is wrong with one broker.
func (o SinkOptions) Check() error {
	switch {
	case o.Kind == KindNATS && o.NATS != nil:
		return o.NATS.Check()
	case o.Kind == KindMQTT && o.MQTT != nil:
		return o.MQTT.Check()
	}
	return fmt.Errorf("kind: %q is not nats or mqtt", o.Kind)
}

// CheckSinks finds all that is wrong with a list of brokers.
func CheckSinks(all []SinkOptions) error {
	var faults []error
	for i, o := range all {
		if err := o.Check(); err != nil {
			faults = append(faults, fmt.Errorf("sink %d: %w", i+1, err))
		}
	}
	return errors.Join(faults...)
}

// NewSinks begins to connect to the brokers, and goes on for ever; Close ends it.
func NewSinks(all []SinkOptions, hooks Hooks) (*Sinks, error) {
	if err := CheckSinks(all); err != nil {
		return nil, err
	}
	s := &Sinks{}
	for _, o := range all {
		if err := s.add(o, hooks); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Sinks) add(o SinkOptions, hooks Hooks) error {
	if o.Kind == KindNATS {
		p, err := nats.NewPublisher(*o.NATS, hooks)
		if err != nil {
			return fmt.Errorf("sink %s: %w", o.NATS.Name, err)
		}
		s.nats = append(s.nats, p)
		return nil
	}
	p, err := mqtt.NewPublisher(*o.MQTT, hooks)
	if err != nil {
		return fmt.Errorf("sink %s: %w", o.MQTT.Name, err)
	}
	s.mqtt = append(s.mqtt, p)
	return nil
}

// Publish sends e to nats://HOST/SUBJECT or mqtt://HOST/TOPIC, in binary mode, and
// returns nil once the broker has confirmed it. HOST is one of the brokers' as its URL
// has it: a sink names no address that is not in the configuration. Errors are
// functions.Errors; Unavailable is worth another try.
func (s *Sinks) Publish(ctx context.Context, sink *url.URL, e events.Event) error {
	brokers := s.nats
	if sink.Scheme == "mqtt" || sink.Scheme == "mqtts" {
		brokers = s.mqtt
	}
	for _, p := range brokers {
		if p.Has(sink.Host) {
			return p.Publish(ctx, sink, e)
		}
	}
	return functions.Errorf(functions.Forbidden, "the sink is at no broker that events may go to")
}

// Close ends the connections. What Publish returned nil for is sent.
func (s *Sinks) Close() {
	for _, p := range slices.Concat(s.nats, s.mqtt) {
		p.Close()
	}
}
