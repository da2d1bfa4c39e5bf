package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/gateway"
	"github.com/seed45885407/saccade/gateway/jobs"
	"github.com/seed45885407/saccade/sources"
)

// later is what is done when nobody waits: jobs, what brings them, and where their
// answers go.
type later struct {
	jobs    *jobs.Jobs     // nil: nothing is done later
	sinks   *sources.Sinks // nil with jobs
	sources []sources.Options
	log     *slog.Logger
}

// newLater opens the store, if there is to be one.
func newLater(ctx context.Context, cfg config.Saccade, guarded jobs.Options, log *slog.Logger) (*later, error) {
	o := cfg.Jobs.Options
	if cfg.Jobs.Off || o.Dir == "" && o.URL == "" {
		return &later{log: log}, nil
	}
	l := &later{sources: cfg.Sources, log: log}
	overrides, err := jobs.ParseOverrides(os.Getenv(config.EnvOverrides))
	if err != nil {
		return nil, err
	}
	if o.Overrides == nil {
		o.Overrides = overrides
	}
	if l.sinks, err = sources.NewSinks(cfg.Sinks, l.hooks()); err != nil {
		return nil, err
	}
	o.Publishers = map[string]jobs.Publisher{"nats": l.sinks, "tls": l.sinks, "mqtt": l.sinks, "mqtts": l.sinks}
	o.Source, o.ParallelOf, o.Guard = guarded.Source, guarded.ParallelOf, guarded.Guard
	o.Noticed = func(err error) { log.Warn("jobs", "error", err) }
	if l.jobs, err = jobs.Open(ctx, o); err != nil {
		l.sinks.Close()
		return nil, fmt.Errorf("opening the store of jobs: %w", err)
	}
	return l, nil
}

// isTaken tells a store that another process has.
func isTaken(err error) bool { return errors.Is(err, unix.EWOULDBLOCK) }

// hooks log how sources and sinks fare.
func (l *later) hooks() sources.Hooks {
	return sources.Hooks{
		Refused: func(r sources.Refusal) {
			l.log.Warn("a source brought what is not taken", "source", r.Source, "from", r.From, "bytes", r.Bytes, "error", r.Err)
		},
		Changed: func(c sources.Change) {
			if c.Err != nil {
				l.log.Warn("source or sink", "name", c.Source, "state", string(c.State), "error", c.Err)
				return
			}
			l.log.Info("source or sink", "name", c.Source, "state", string(c.State))
		},
	}
}

// run works on jobs, and takes what sources bring, until stop is called; stop waits
// for the end.
func (l *later) run(g *gateway.Gateway, failed func(error)) (stop func()) {
	if l.jobs == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	bringing, hush := context.WithCancel(ctx)
	var taking, working sync.WaitGroup
	taking.Go(func() {
		if err := sources.Run(bringing, l.sources, l.hooks(), g.Take); err != nil {
			failed(err)
		}
	})
	working.Go(func() {
		if err := l.jobs.Run(ctx, g.Work); err != nil {
			failed(fmt.Errorf("working on jobs: %w", err))
		}
	})
	return func() {
		hush() // first what brings work, then who does it
		taking.Wait()
		cancel()
		working.Wait()
	}
}

func (l *later) close() error {
	if l.jobs == nil {
		return nil
	}
	err := l.jobs.Close()
	l.sinks.Close()
	return err
}
