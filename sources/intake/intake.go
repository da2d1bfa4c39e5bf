// Package intake is what all sources do alike: make an event of a message, offer it
// to the gateway, and know from the answer whether to offer it again.
//
// It receives messages of any broker, in either of CloudEvents' modes or as plain
// pictures, and hands on events. It refuses, with a functions.Error, what is neither,
// what is too large, and what names its function twice; nothing is refused without
// [Hooks.Refused] hearing of it. It speaks to no broker itself.
package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/events"
)

// Take accepts an event as a job. It returns nil once the event is durably accepted,
// from when on the source may forget it; before, a source must not. Otherwise it
// returns a functions.Error, whose kind tells whether another try makes sense. The
// same event may be offered more than once, always under the same source and id.
type Take func(ctx context.Context, e events.Event) error

// Defaults, documented at the fields they fill.
const (
	DefaultMaxBytes = 20_000_000
	DefaultInFlight = 8
)

// Options are what every kind of source has.
type Options struct {
	// Name names the source in logs and metrics, and in the broker what it keeps for
	// the source. Letters, digits, - and _. Required, and unique in a gateway.
	Name string `yaml:"name"`
	// Function is the function of messages that do not say one themselves by the
	// extension attribute function. Default: what the gateway's event routes say.
	Function string `yaml:"function"`
	// Routes lead messages to functions by where they come from; the first that
	// matches counts, before Function.
	Routes []Route `yaml:"routes"`
	// Type is the type of the events that are made of plain pictures. Default
	// dev.saccade.detect.v1.
	Type string `yaml:"type"`
	// MaxBytes is the most bytes of one message or file; a larger one is refused.
	// Default 20 MB.
	MaxBytes int `yaml:"maxBytes"`
	// InFlight is the most messages that are held at a time. With MaxBytes, or the
	// largest message of the broker, it bounds the memory of a source. Default 8.
	InFlight int `yaml:"inFlight"`
	// MaxAttempts is how often a message is offered before it is refused although its
	// failures were passing ones. Default (0): as often as it takes.
	MaxAttempts int `yaml:"maxAttempts"`
}

// Route leads what comes from one place to a function.
type Route struct {
	// Match is a pattern of subjects, topics or file names, as the kind writes them.
	Match string `yaml:"match"`
	// Function is the function's name.
	Function string `yaml:"function"`
}

// WithDefaults returns o with every field that is zero set to its default.
func (o Options) WithDefaults() Options {
	if o.Type == "" {
		o.Type = events.TypeDetect
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.InFlight == 0 {
		o.InFlight = DefaultInFlight
	}
	return o
}

// Check finds all that is wrong; match says what is wrong with a route's pattern.
func (o Options) Check(match func(pattern string) error) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !IsName(o.Name) {
		fault("name: %q is not of 1 to 64 letters, digits, - and _", o.Name)
	}
	for i, route := range o.Routes {
		if route.Function == "" {
			fault("routes: route %d names no function", i+1)
		}
		if err := match(route.Match); err != nil {
			fault("routes: route %d: %w", i+1, err)
		}
	}
	if o.Type == events.TypeDetected || o.Type == events.TypeFailed {
		fault("type: %s is an answer, which asks for nothing", o.Type)
	}
	if o.MaxBytes < 0 || o.MaxBytes > 1<<28 {
		fault("maxBytes: %d is not from 1 to 268435456", o.MaxBytes)
	}
	if o.InFlight < 0 || o.InFlight > 10_000 {
		fault("inFlight: %d is not from 1 to 10000", o.InFlight)
	}
	if o.MaxAttempts < 0 {
		fault("maxAttempts: %d is negative", o.MaxAttempts)
	}
	return errors.Join(faults...)
}

// IsName tells whether name can name a source, and a consumer or client with it.
func IsName(name string) bool {
	return name != "" && len(name) <= 64 &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// Hooks tell what becomes of a source. They are called from several goroutines at a
// time and must not block; one that is nil is not called.
type Hooks struct {
	// Refused hears of each message that will not be offered again.
	Refused func(Refusal)
	// Changed hears when a source connects, loses its broker, or cannot do its work.
	Changed func(Change)
}

// Refusal is a message that came and will never be taken.
type Refusal struct {
	// Source is the source's name, From where in it the message was: a subject with
	// its sequence, a topic, a file.
	Source, From string
	// Event is as much as could be read of the message but its data.
	Event events.Event
	// Bytes is the message's size.
	Bytes int
	// Err is why; a functions.Error.
	Err error
}

// State is how a source fares.
type State string

// The states of a source.
const (
	// Connected: the source has its broker or folder, and messages come.
	Connected State = "connected"
	// Disconnected: the broker is gone; the source goes on trying.
	Disconnected State = "disconnected"
	// Failing: something the source needs to do does not succeed; it goes on trying.
	Failing State = "failing"
)

// Change is a source's new state.
type Change struct {
	// Source is the source's name.
	Source string
	State  State
	// Err is why, nil for Connected.
	Err error
}

// Refuse tells the hook of a refusal, without the event's data.
func (h Hooks) Refuse(r Refusal) {
	if h.Refused == nil {
		return
	}
	if _, ok := errors.AsType[*functions.Error](r.Err); !ok {
		r.Err = functions.Errorf(functions.Internal, "the message cannot be taken").Because(r.Err)
	}
	r.Event.Data, r.Event.Base64 = nil, ""
	h.Refused(r)
}

// Change tells the hook of a source's new state.
func (h Hooks) Change(source string, state State, err error) {
	if h.Changed != nil {
		h.Changed(Change{Source: source, State: state, Err: err})
	}
}
