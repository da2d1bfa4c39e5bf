package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// PublisherOptions are a broker of MQTT that events may go to.
type PublisherOptions struct {
	// Name names the broker in logs.
	Name       string `yaml:"name"`
	Connection `yaml:",inline"`
}

// Check finds all that is wrong.
func (o PublisherOptions) Check() error {
	err := o.Connection.Check()
	if !intake.IsName(o.Name) {
		err = errors.Join(fmt.Errorf("name: %q is not of 1 to 64 letters, digits, - and _", o.Name), err)
	}
	return err
}

// Publisher sends events to one broker.
type Publisher struct {
	options PublisherOptions
	manager *autopaho.ConnectionManager
	close   context.CancelFunc
	// largest is the most bytes of a packet that the broker takes, 0 for any.
	largest atomic.Uint32
}

// NewPublisher begins to connect, and goes on for ever; Close ends it.
func NewPublisher(o PublisherOptions, hooks intake.Hooks) (*Publisher, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	config, err := o.config(o.Name, hooks)
	if err != nil {
		return nil, err
	}
	p := &Publisher{options: o}
	config.CleanStartOnInitialConnection = true
	config.OnConnectionUp = func(_ *autopaho.ConnectionManager, ack *paho.Connack) {
		p.largest.Store(0)
		if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
			p.largest.Store(*ack.Properties.MaximumPacketSize)
		}
		hooks.Change(o.Name, intake.Connected, nil)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.close = cancel
	if p.manager, err = autopaho.NewConnection(ctx, config); err != nil {
		cancel()
		return nil, fmt.Errorf("connecting to MQTT: %w", err)
	}
	return p, nil
}

// Close ends the connection. What Publish returned nil for is sent.
func (p *Publisher) Close() {
	p.close()
	<-p.manager.Done()
}

// Publish sends e with QoS 1 to mqtt://HOST/TOPIC, HOST as the broker's URL has it, and
// returns nil once the broker has acknowledged it. Whether anybody is subscribed is not
// asked. Errors are functions.Errors; Unavailable is worth another try.
func (p *Publisher) Publish(ctx context.Context, sink *url.URL, e events.Event) error {
	if sink.Scheme != "mqtt" && sink.Scheme != "mqtts" || !p.Has(sink.Host) {
		return functions.Errorf(functions.Forbidden, "the sink is at no broker that events may go to")
	}
	topic := strings.TrimPrefix(sink.Path, "/")
	if err := topicFault(topic); err != nil {
		return functions.Errorf(functions.Invalid, "the sink's topic is not valid: %s", err)
	}
	msg, err := write(topic, e)
	if err != nil {
		return err
	}
	if largest := p.largest.Load(); largest > 0 && size(msg) > int(largest) {
		return functions.Errorf(functions.TooLarge, "the event is larger than its sink takes")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	answer, err := p.manager.Publish(ctx, msg)
	switch {
	case err == nil:
		return nil
	case answer != nil && (answer.ReasonCode == packets.PubackTopicNameInvalid || answer.ReasonCode == packets.PubackPayloadFormatInvalid):
		return functions.Errorf(functions.Invalid, "the event's sink refuses it").Because(err)
	}
	return functions.Errorf(functions.Unavailable, "the event's sink does not take it").Because(fmt.Errorf("publishing to %s: %w", topic, err))
}

// size is about what a packet has, never less.
func size(p *paho.Publish) int {
	n := 64 + len(p.Payload) + len(p.Topic) + len(p.Properties.ContentType)
	for _, property := range p.Properties.User {
		n += 5 + len(property.Key) + len(property.Value)
	}
	return n
}

// Has tells whether host, with its port where the configuration has one, is this
// broker.
func (p *Publisher) Has(host string) bool { return strings.EqualFold(host, p.options.host()) }
