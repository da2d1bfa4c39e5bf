// Package nats is the source of messages of NATS, and the sink for answers there.
//
// It receives messages of a JetStream stream through a durable consumer, or of a plain
// subject: CloudEvents in binary and in structured mode, and pictures as they are. It
// hands on events, and acknowledges a stream's message only once it has been taken. It
// refuses what is neither, what is too large, and what does not get better, with a
// word to the hook and, if wanted, a copy to another subject.
//
// The binding is that of https://github.com/cloudevents/spec
// (cloudevents/bindings/nats-protocol-binding.md, 1.0.3-wip, which has binary mode).
package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/sources/intake"
)

// DefaultAckWait is the default of [Options.AckWait].
const DefaultAckWait = 30 * time.Second

// Options are a source of NATS. The pattern of a route is a subject with * and >.
type Options struct {
	intake.Options `yaml:",inline"`
	Connection     `yaml:",inline"`
	// Stream is the JetStream stream to read, which must exist. Default: none; then
	// Subject is read as it goes by, and a message that comes while nobody listens, or
	// that is not taken before the gateway stops, is gone: at most once.
	Stream string `yaml:"stream"`
	// Subject is what to read, with * and >. Default: all of the stream. Required where
	// there is no stream.
	Subject string `yaml:"subject"`
	// Consumer is the name of the durable consumer in the stream; gateways that share
	// one share its messages. Default: saccade- and the source's name.
	Consumer string `yaml:"consumer"`
	// Start is where a consumer begins that is new: all (default) or new.
	Start string `yaml:"start"`
	// AckWait is after how long the stream brings a message again whose gateway has
	// fallen silent. Default 30s.
	AckWait functions.Duration `yaml:"ackWait"`
	// Queue is the queue group in which gateways share a plain subject. Default: none;
	// each gets all.
	Queue string `yaml:"queue"`
	// DeadLetter is a subject, of a stream too, that refused messages are copied to
	// with the reason in the header Saccade-Reason. Default: none.
	DeadLetter string `yaml:"deadLetter"`
}

// WithDefaults returns o with every field that is zero set to its default.
func (o Options) WithDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.Stream != "" {
		if o.Consumer == "" {
			o.Consumer = "saccade-" + o.Name
		}
		if o.Start == "" {
			o.Start = "all"
		}
		if o.AckWait == 0 {
			o.AckWait = functions.Duration(DefaultAckWait)
		}
	}
	return o
}

// Check finds all that is wrong.
func (o Options) Check() error {
	faults := []error{o.Options.Check(patternFault), o.Connection.Check()}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.Stream == "" {
		if o.Subject == "" {
			fault("subject: required where there is no stream")
		}
		if o.Consumer != "" || o.Start != "" || o.AckWait != 0 || o.DeadLetter != "" {
			fault("stream: consumer, start, ackWait and deadLetter are of a stream, and there is none")
		}
	} else if !intake.IsName(o.Stream) {
		fault("stream: %q is not of 1 to 64 letters, digits, - and _", o.Stream)
	}
	if o.Subject != "" {
		if err := patternFault(o.Subject); err != nil {
			fault("subject: %w", err)
		}
	}
	if o.Consumer != "" && !intake.IsName(o.Consumer) {
		fault("consumer: %q is not of 1 to 64 letters, digits, - and _", o.Consumer)
	}
	if o.Start != "" && o.Start != "all" && o.Start != "new" {
		fault("start: %q is not all or new", o.Start)
	}
	if o.AckWait != 0 && o.AckWait < functions.Duration(time.Second) {
		fault("ackWait: %s is less than a second", time.Duration(o.AckWait))
	}
	if o.Queue != "" && (o.Stream != "" || !intake.IsName(o.Queue)) {
		fault("queue: %q is not a name for a plain subject; a stream has its consumer", o.Queue)
	}
	if o.DeadLetter != "" {
		if err := subjectFault(o.DeadLetter); err != nil {
			fault("deadLetter: %w", err)
		}
		if o.Subject == "" {
			fault("subject: required with deadLetter, so that what is refused cannot come round again")
		} else if matches(o.Subject, o.DeadLetter) {
			fault("deadLetter: %q is among what is read: what is refused would come round again", o.DeadLetter)
		}
	}
	return errors.Join(faults...)
}

// Source reads a stream or a subject.
type Source struct {
	options Options
	hooks   intake.Hooks
}

// New makes a source of options that have been checked.
func New(o Options, hooks intake.Hooks) (*Source, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	return &Source{options: o.WithDefaults(), hooks: hooks}, nil
}

// Run reads until ctx ends, and returns nil then. It goes on through whatever the
// broker does; an error means that it could not begin.
func (s *Source) Run(ctx context.Context, take intake.Take) error {
	conn, err := s.options.connect(s.options.Name, s.hooks)
	if err != nil {
		return err
	}
	defer conn.Close()
	if s.options.Stream == "" {
		s.listen(ctx, conn, take)
	} else {
		s.consume(ctx, conn, take)
	}
	// Acknowledgements are on their way still.
	if conn.IsConnected() {
		_ = conn.FlushTimeout(2 * time.Second) // those that are lost come again
	}
	return nil
}

// route is the function of messages of a subject, "" for none.
func (s *Source) route(subject string) string {
	for _, route := range s.options.Routes {
		if matches(route.Match, subject) {
			return route.Function
		}
	}
	return ""
}
