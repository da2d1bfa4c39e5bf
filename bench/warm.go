package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// measureWarm takes bare detections and requests through the gateway in turns, one
// at a time, and compares the memory of the two processes that did the work.
func measureWarm(ctx context.Context, o options, g *gatewayProcess, f floorArgs) ([]row, error) {
	say("%d warm requests in turns with bare detections ...", o.warm)
	p, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.stop() }()
	var bare, ours []time.Duration
	for n := range o.warm + 10 {
		took, err := p.ask("one")
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := g.detect(ctx, warmCopy); err != nil {
			return nil, err
		}
		if n >= 10 { // the first ones fill caches on both sides
			bare, ours = append(bare, took), append(ours, time.Since(began))
		}
	}
	pid, err := g.instanceOf(warmCopy)
	if err != nil {
		return nil, err
	}
	bareKB, err := residentKB(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	oursKB, err := residentKB(pid)
	if err != nil {
		return nil, err
	}
	return []row{
		{what: "warm request, p50", floor: ms(median(bare)), ours: ms(median(ours)), unit: "ms", goal: 1.06},
		{what: "warm request, p99", floor: ms(quantile(bare, .99)), ours: ms(quantile(ours, .99)), unit: "ms", goal: 1.15},
		{what: "resident memory of a warm function", floor: bareKB / 1024, ours: oursKB / 1024, unit: "MiB", goal: 1.3},
	}, nil
}

// measureThroughput saturates both with as many detections at a time as there are
// cores (twice as many requests through the gateway, so that none is idle),
// in turns, and compares detections a second.
func measureThroughput(ctx context.Context, o options, g *gatewayProcess, f floorArgs) ([]row, error) {
	const turns = 5
	cores := runtime.GOMAXPROCS(0)
	batch := max(20, o.warm)
	say("saturation, %d turns of %d detections on %d cores ...", turns, batch, cores)
	p, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.stop() }()
	var bare, ours []time.Duration
	for range turns {
		took, err := p.ask(fmt.Sprintf("many %d %d", batch, cores))
		if err != nil {
			return nil, err
		}
		bare = append(bare, took)
		if took, err = g.saturate(ctx, batch, 2*cores); err != nil {
			return nil, err
		}
		ours = append(ours, took)
	}
	rate := func(d time.Duration) float64 { return float64(batch) / d.Seconds() }
	return []row{{
		what: "throughput at saturation", floor: rate(median(bare)), ours: rate(median(ours)),
		unit: "1/s", goal: 0.95, moreBetter: true,
	}}, nil
}

func (g *gatewayProcess) saturate(ctx context.Context, n, concurrency int) (time.Duration, error) {
	var group sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	failed := make(chan error, concurrency)
	began := time.Now()
	for range concurrency {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := g.detect(ctx, warmCopy); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(failed)
	return time.Since(began), <-failed
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(d []time.Duration) time.Duration { return quantile(d, .5) }

// quantile is the nearest-rank quantile.
func quantile(d []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
