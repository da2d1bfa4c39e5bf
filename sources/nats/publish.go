package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/sources/intake"
)

// PublisherOptions are a broker of NATS that events may go to.
type PublisherOptions struct {
	// Name names the broker in logs.
	Name       string `yaml:"name"`
	Connection `yaml:",inline"`
	// Core publishes without a stream: that the server has the event is all the
	// confirmation there is, and nobody may be listening. Default: a stream has to have
	// stored it.
	Core bool `yaml:"core"`
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
	conn    *natsgo.Conn
	js      jetstream.JetStream
}

// NewPublisher begins to connect, and goes on for ever; Close ends it.
func NewPublisher(o PublisherOptions, hooks intake.Hooks) (*Publisher, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	conn, err := o.connect(o.Name, hooks)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("speaking to JetStream: %w", err)
	}
	return &Publisher{options: o, conn: conn, js: js}, nil
}

// Close ends the connection. What Publish returned nil for is sent.
func (p *Publisher) Close() { p.conn.Close() }

// Publish sends e to nats://HOST/SUBJECT, HOST one of the broker's as its URL names
// them, and returns nil once the stream has stored it (Core: once the server has it).
// A stream that sees an event twice within its window keeps one. Errors are
// functions.Errors; Unavailable is worth another try.
func (p *Publisher) Publish(ctx context.Context, sink *url.URL, e events.Event) error {
	subject, err := p.subject(sink)
	if err != nil {
		return err
	}
	msg, err := write(subject, e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if p.options.Core {
		if !p.conn.IsConnected() { // else it would lie in a buffer, and flushing wait
			err = natsgo.ErrDisconnected
		} else if err = p.conn.PublishMsg(msg); err == nil {
			err = p.conn.FlushWithContext(ctx)
		}
	} else {
		_, err = p.js.PublishMsg(ctx, msg, jetstream.WithMsgID(messageID(subject, e)))
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, natsgo.ErrMaxPayload):
		return functions.Errorf(functions.TooLarge, "the event is larger than its sink takes").Because(err)
	}
	return functions.Errorf(functions.Unavailable, "the event's sink does not take it").Because(fmt.Errorf("publishing to %s: %w", subject, err))
}

// subject is the one that a sink names at this broker.
func (p *Publisher) subject(sink *url.URL) (string, error) {
	if sink.Scheme != "nats" || !p.Has(sink.Host) {
		return "", functions.Errorf(functions.Forbidden, "the sink is at no broker that events may go to")
	}
	subject := strings.TrimPrefix(sink.Path, "/")
	if err := subjectFault(subject); err != nil {
		return "", functions.Errorf(functions.Invalid, "the sink's subject is not valid: %s", err)
	}
	return subject, nil
}

// Has tells whether host, with its port where the configuration has one, is this
// broker.
func (p *Publisher) Has(host string) bool {
	for text := range strings.SplitSeq(p.options.URL, ",") {
		if u, err := url.Parse(text); err == nil && strings.EqualFold(u.Host, host) {
			return true
		}
	}
	return false
}

// messageID is the same whenever an event goes to a subject; its names may be of any
// length.
func messageID(subject string, e events.Event) string {
	sum := sha256.New()
	for _, part := range []string{subject, e.Source, e.ID} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
