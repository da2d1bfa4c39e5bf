// Package sources brings pictures and events to the gateway from where they are:
// NATS, MQTT, and folders.
//
// It receives a list of sources as the configuration has it, and a [Take] by which the
// gateway accepts an event durably; it hands on events, and lets their origin forget
// them only once they are taken. It refuses options that do not fit together before
// anything runs. It also takes answers back to the brokers ([Sinks]). It knows no
// function and no instance: to the gateway, an event of a source is as one of HTTP.
package sources

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/sources/folder"
	"github.com/seed45885407/saccade/sources/intake"
	"github.com/seed45885407/saccade/sources/mqtt"
	"github.com/seed45885407/saccade/sources/nats"
)

// What the gateway gives a source and hears of it; see package intake.
type (
	// Take accepts an event as a job: nil once it is durably accepted.
	Take = intake.Take
	// Hooks tell what becomes of a source; they must not block.
	Hooks = intake.Hooks
	// Refusal is a message that came and will never be taken.
	Refusal = intake.Refusal
	// Change is a source's new state.
	Change = intake.Change
	// State is how a source fares.
	State = intake.State
)

// The states of a source.
const (
	Connected    = intake.Connected
	Disconnected = intake.Disconnected
	Failing      = intake.Failing
)

// Source runs until its ctx ends, and returns nil then. It goes on through whatever
// happens to its broker or folder; an error means that it could not begin.
type Source interface {
	Run(ctx context.Context, take Take) error
}

// The kinds of sources.
const (
	KindNATS   = "nats"
	KindMQTT   = "mqtt"
	KindFolder = "folder"
)

// Options are one source of the configuration: in YAML, kind and beside it the fields
// of the kind's own options.
type Options struct {
	// Kind is nats, mqtt or folder; the field of that name holds the options, the
	// others are nil.
	Kind   string
	NATS   *nats.Options
	MQTT   *mqtt.Options
	Folder *folder.Options
}

// Name is the source's name.
func (o Options) Name() string {
	switch {
	case o.NATS != nil:
		return o.NATS.Name
	case o.MQTT != nil:
		return o.MQTT.Name
	case o.Folder != nil:
		return o.Folder.Name
	}
	return ""
}

// Check finds all that is wrong with one source.
func (o Options) Check() error {
	switch {
	case o.Kind == KindNATS && o.NATS != nil:
		return o.NATS.Check()
	case o.Kind == KindMQTT && o.MQTT != nil:
		return o.MQTT.Check()
	case o.Kind == KindFolder && o.Folder != nil:
		return o.Folder.Check()
	}
	return fmt.Errorf("kind: %q is not nats, mqtt or folder", o.Kind)
}

// Check finds all that is wrong with a list of sources, each fault with the name of its
// source.
func Check(all []Options) error {
	var faults []error
	seen := map[string]bool{}
	for i, o := range all {
		name := o.Name()
		if name == "" {
			name = fmt.Sprint(i + 1)
		}
		if err := o.Check(); err != nil {
			faults = append(faults, fmt.Errorf("source %s: %w", name, err))
		}
		if seen[name] {
			faults = append(faults, fmt.Errorf("source %s: another has this name", name))
		}
		seen[name] = true
	}
	return errors.Join(faults...)
}

// New makes a source.
func New(o Options, hooks Hooks) (Source, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("source %s: %w", o.Name(), err)
	}
	switch o.Kind {
	case KindNATS:
		return nats.New(*o.NATS, hooks)
	case KindMQTT:
		return mqtt.New(*o.MQTT, hooks)
	}
	return folder.New(*o.Folder, hooks)
}

// Run runs all sources until ctx ends, and returns nil then. One that cannot begin ends
// the others; what is wrong with it is the error.
func Run(ctx context.Context, all []Options, hooks Hooks, take Take) error {
	if err := Check(all); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, o := range all {
		source, err := New(o, hooks)
		if err != nil {
			return err // Check has found none; nothing runs yet that would wait
		}
		group.Go(func() error {
			if err := source.Run(ctx, take); err != nil {
				return fmt.Errorf("source %s: %w", o.Name(), err)
			}
			return nil
		})
	}
	return group.Wait()
}
