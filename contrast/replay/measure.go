package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

// Opener brings a platform up with the function alone, so many of its instances kept,
// calls use and takes the platform down again.
type Opener func(ctx context.Context, kept int, use func(ctx context.Context, stage Stage) error) error

// MeasureOptions say how much is measured.
type MeasureOptions struct {
	// Starts is how many cold starts, each on a platform of its own. Default 5.
	Starts int
	// Requests is how many for each number of requests at a time. Default 60.
	Requests int
	// Instances is how many are kept while requests at a time are measured, AtATime the
	// most of those. Default 1 each.
	Instances, AtATime int
	// Progress is told what is done now. May be nil.
	Progress func(what string)
}

// Measure measures a function by itself.
//
// Service is requests one after the other as their caller sees them, so the gateway's own
// time is in it. Pace is their median over that of so many at a time, each sent when
// the one before is back. Load is a first request's time at zero less the median service:
// the first request's own run warms the instance up, so to add both would count it twice.
func Measure(ctx context.Context, open Opener, o MeasureOptions) (simulate.Measured, error) {
	if o.Starts <= 0 {
		o.Starts = 5
	}
	if o.Requests <= 0 {
		o.Requests = 60
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Instances, o.AtATime = max(1, o.Instances), max(1, o.AtATime)
	m := simulate.Measured{At: time.Now().UTC(), Phases: map[string][]time.Duration{}}

	// The first start of all may have a graph to optimise, and to keep for the others.
	o.Progress("a first start")
	err := open(ctx, 0, func(ctx context.Context, stage Stage) error {
		_, err := several(ctx, stage, 1, 10)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("measuring the first start: %w", err)
	}
	o.Progress(fmt.Sprintf("requests, 1 to %d at a time", o.AtATime))
	err = open(ctx, o.Instances, func(ctx context.Context, stage Stage) error { return m.measureService(ctx, stage, o) })
	return m, err
}
