package main

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/drift"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/jobs"
)

// newDrift is the room for statistics. later sends changes to the sink; nil where
// nothing is sent.
func newDrift(cfg config.Saccade, later *jobs.Jobs, log *slog.Logger) *drift.Room {
	o := drift.Options{
		Dir:    filepath.Join(cfg.Cache, "drift"),
		Report: func(err error) { log.Warn("drift", "error", err) },
	}
	if sink := cmp.Or(cfg.Drift.Sink, cfg.Jobs.Sink); later != nil && sink != "" {
		source := cmp.Or(cfg.Events.Source, "/saccade")
		o.Tell = func(ctx context.Context, change functions.DriftChange) error {
			event, err := events.Drifted(source, change)
			if err != nil {
				return err
			}
			return later.Publish(ctx, sink, event)
		}
	}
	return drift.New(o)
}
