// Package mqtt is the source of messages of an MQTT broker, and the sink for answers
// there.
//
// It receives messages of topics in a persistent session: CloudEvents in binary and in
// structured mode, and pictures as they are. It hands on events, and acknowledges a
// message only once it has been taken, so that the broker keeps what was not. It
// refuses what is neither, what is too large, and what does not get better, with a
// word to the hook and, if wanted, a copy to another topic.
//
// It speaks MQTT 5 alone; messages that others publish with 3.1.1 come through the same
// broker. The binding is https://github.com/cloudevents/spec, v1.0.2,
// cloudevents/bindings/mqtt-protocol-binding.md.
package mqtt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/sources/intake"
)

// DefaultSessionExpiry is the default of [Options.SessionExpiry].
const DefaultSessionExpiry = 24 * time.Hour

// Options are a source of MQTT. The pattern of a route is a topic filter with + and #.
type Options struct {
	intake.Options `yaml:",inline"`
	Connection     `yaml:",inline"`
	// Topics are the topic filters to subscribe to, with + and #; of QoS 1. A filter
	// $share/GROUP/FILTER shares its messages with other clients. Required.
	Topics []string `yaml:"topics"`
	// ClientID names the session at the broker, which keeps in it what comes while the
	// gateway is away. No two clients may have the same. Default: saccade- and the
	// source's name.
	ClientID string `yaml:"clientID"`
	// SessionExpiry is how long the broker keeps the session of a gateway that is away.
	// Default 24h.
	SessionExpiry functions.Duration `yaml:"sessionExpiry"`
	// DeadLetter is a topic that refused messages are copied to, with the reason in the
	// user property saccade-reason. Default: none.
	DeadLetter string `yaml:"deadLetter"`
}

// WithDefaults returns o with every field that is zero set to its default.
func (o Options) WithDefaults() Options {
	o.Options = o.Options.WithDefaults()
	if o.ClientID == "" {
		o.ClientID = "saccade-" + o.Name
	}
	if o.SessionExpiry == 0 {
		o.SessionExpiry = functions.Duration(DefaultSessionExpiry)
	}
	return o
}

// Check finds all that is wrong.
func (o Options) Check() error {
	faults := []error{o.Options.Check(filterFault), o.Connection.Check()}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(o.Topics) == 0 {
		fault("topics: none")
	}
	for _, topic := range o.Topics {
		if err := filterFault(unshared(topic)); err != nil {
			fault("topics: %w", err)
		}
	}
	if len(o.ClientID) > 256 {
		fault("clientID: has more than 256 bytes")
	}
	if expiry := time.Duration(o.SessionExpiry); expiry != 0 && (expiry < time.Second || expiry > math.MaxUint32*time.Second) {
		fault("sessionExpiry: %s is not from 1s to 136 years", expiry)
	}
	if o.InFlight > math.MaxUint16 {
		fault("inFlight: %d is more than MQTT can say", o.InFlight)
	}
	if o.DeadLetter != "" {
		if err := topicFault(o.DeadLetter); err != nil {
			fault("deadLetter: %w", err)
		}
		if o.subscribes(o.DeadLetter) {
			fault("deadLetter: %q is among what is read: what is refused would come round again", o.DeadLetter)
		}
	}
	return errors.Join(faults...)
}

// subscribes tells whether a topic is among those that are read.
func (o Options) subscribes(topic string) bool {
	return slices.ContainsFunc(o.Topics, func(filter string) bool { return matches(unshared(filter), topic) })
}

// route is the function of messages of a topic, "" for none.
func (o Options) route(topic string) string {
	for _, route := range o.Routes {
		if matches(route.Match, topic) {
			return route.Function
		}
	}
	return ""
}

// Source reads topics.
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
	return newSession(s.options, s.hooks, take).run(ctx)
}
