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
	// Starts is how many cold starts, each on a platform of its own. Default 3.
	Starts int
	// Requests is how many for each number of requests at a time. Default 60.
	Requests int
	// Rested is how many are sent each after a pause. Default 3.
	Rested int
	// Instances is how many are kept while requests at a time are measured, AtATime the
	// most of those, and Places how many of them an instance takes. Default 1 each.
	Instances, AtATime, Places int
	// Progress is told what is done now. May be nil.
	Progress func(what string)
}

// Measure measures a function by itself.
//
// Service is requests one after the other as their caller sees them, so the gateway's own
// time is in it. Pace is their mean over that of so many at a time, each sent when
// the one before is back, with as many instances as there may be; Together is the same in
// one instance, over that. Load is a first request's time at zero, after a while in which
// nothing was done, less the median service: the first request's own run warms the instance
// up, so to add both would count it twice.
// Warmup is what instances that are kept took to run once by themselves.
// Computes is the CPU time of the instance by then, less that of a request, over Load, and
// Work the CPU time of a request by itself.
func Measure(ctx context.Context, open Opener, o MeasureOptions) (simulate.Measured, error) {
	if o.Starts <= 0 {
		o.Starts = 3
	}
	if o.Requests <= 0 {
		o.Requests = 60
	}
	if o.Rested <= 0 {
		o.Rested = 3
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	o.Instances, o.AtATime, o.Places = max(1, o.Instances), max(1, o.AtATime), max(1, o.Places)
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
	err = open(ctx, o.Instances, func(ctx context.Context, stage Stage) (err error) {
		m.Function = stage.Function
		if m.Service, m.Pace, m.Work, err = service(ctx, stage, o); err != nil {
			return err
		}
		m.Instance = usageOf(stage).Held
		m.Warmup = warmedUp(stage)
		m.Rested, err = rested(ctx, stage, o.Rested)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("measuring requests: %w", err)
	}
	if alone := min(o.Places, o.AtATime); alone > 1 && o.Instances > 1 {
		o.Progress(fmt.Sprintf("requests, 1 to %d at a time in one instance", alone))
		err := open(ctx, 1, func(ctx context.Context, stage Stage) error {
			o.Instances, o.AtATime = 1, alone
			_, packed, _, err := service(ctx, stage, o)
			m.Warmup = warmedUp(stage) // by itself, and not beside others
			for n := range packed {
				m.Together = append(m.Together, min(1, packed[n]/m.Pace[n]))
			}
			return err
		})
		if err != nil {
			return m, fmt.Errorf("measuring requests in one instance: %w", err)
		}
	}
	typical := median(m.Service)
	var computed []time.Duration
	for n := range o.Starts {
		o.Progress(fmt.Sprintf("cold start %d of %d", n+1, o.Starts))
		err := open(ctx, 0, func(ctx context.Context, stage Stage) error {
			if !sleepUntil(ctx, time.Now().Add(pauseBefore(n))) {
				return context.Cause(ctx)
			}
			sent := time.Now()
			reply, err := stage.Send(ctx, n)
			if err != nil {
				return err
			}
			m.Load = append(m.Load, max(time.Millisecond, time.Since(sent)-typical))
			if stage.Processes != nil {
				computed = append(computed, max(0, stage.Processes().sum()-typical))
			}
			if reply.Timing.Start != nil {
				for name, took := range reply.Timing.Start.Phases() {
					m.Phases[name] = append(m.Phases[name], time.Duration(took))
				}
			}
			return nil
		})
		if err != nil {
			return m, fmt.Errorf("measuring a cold start: %w", err)
		}
	}
	m.Computes = min(1, float64(median(computed))/float64(median(m.Load)))
	return m, nil
}

// rested measures requests before which nothing was done for a while.
func rested(ctx context.Context, stage Stage, requests int) ([]time.Duration, error) {
	var all []time.Duration
	for n := range requests {
		if !sleepUntil(ctx, time.Now().Add(pauseBefore(n))) {
			return nil, context.Cause(ctx)
		}
		sent := time.Now()
		if _, err := stage.Send(ctx, n); err != nil {
			return nil, err
		}
		all = append(all, time.Since(sent))
	}
	return all, nil
}

// pauseBefore is for how long nothing is done before the n-th of several that follow on a
// pause: not always as long, for what else comes and goes on the machine has its own beat.
func pauseBefore(n int) time.Duration {
	return 2*simulate.RestedAfter + time.Duration(n%4)*simulate.RestedAfter/2
}

// warmedUp is what the newest start, for which no request waited, took to warm up.
func warmedUp(stage Stage) []time.Duration {
	last := statusOf(stage).LastColdStart
	if last == nil || last.Start.Warmup <= 0 {
		return nil
	}
	return []time.Duration{time.Duration(last.Start.Warmup)}
}

// upWithin is how long kept instances may take to come up.
const upWithin = 5 * time.Minute

// service measures requests in instances that are there; work is the CPU time of one by
// itself, 0 where nobody can tell.
func service(ctx context.Context, stage Stage, o MeasureOptions) (alone []time.Duration, pace simulate.Pace, work time.Duration, err error) {
	if err := awaitReady(ctx, stage, o.Instances); err != nil {
		return nil, nil, 0, err
	}
	// Each instance's first requests are slower than all others.
	if _, err := several(ctx, stage, o.AtATime, 5*o.AtATime); err != nil {
		return nil, nil, 0, err
	}
	for at := 1; at <= o.AtATime; at++ {
		before := processes(stage)
		took, err := several(ctx, stage, at, o.Requests)
		if err != nil {
			return nil, nil, 0, err
		}
		if at == 1 {
			alone = took
			work = (processes(stage).sum() - before.sum()) / time.Duration(o.Requests+1) // one goes before them
		}
		pace = append(pace, min(1, mean(alone)/mean(took)))
	}
	return alone, pace, work, nil
}

func awaitReady(ctx context.Context, stage Stage, instances int) error {
	began := time.Now()
	for time.Since(began) < upWithin {
		f := statusOf(stage)
		switch {
		case f.Ready >= instances:
			return nil
		case f.Error != "":
			return functions.Errorf(functions.Unavailable, "the function does not come up: %s", f.Error)
		}
		if !sleepUntil(ctx, time.Now().Add(10*time.Millisecond)) {
			return context.Cause(ctx)
		}
	}
	return functions.Errorf(functions.ColdStartTimeout, "%d instances did not come up within %v", instances, upWithin)
}

// several sends requests, always so many at a time, and says how long each took. More go
// before them, and more after, so that none of those that count has less company.
func several(ctx context.Context, stage Stage, atATime, requests int) ([]time.Duration, error) {
	all, errs := make([]time.Duration, requests), make([]error, atATime)
	var next, back atomic.Int64
	var group sync.WaitGroup
	for worker := range atATime {
		group.Go(func() {
			for errs[worker] == nil && int(back.Load()) < requests {
				n := int(next.Add(1)) - 1 - atATime
				sent := time.Now()
				_, errs[worker] = stage.Send(ctx, n+atATime)
				if 0 <= n && n < requests {
					all[n] = time.Since(sent)
					back.Add(1)
				}
			}
		})
	}
	group.Wait()
	return all, errors.Join(errs...)
}

// mean is that of the times, in nanoseconds: as requests that share cores are not all
// slowed alike, the time of all says at what pace they went, and the median does not.
func mean(all []time.Duration) (of float64) {
	for _, d := range all {
		of += float64(d) / float64(len(all))
	}
	return of
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
