package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// scenario is one kind of fault under one load.
type scenario struct {
	name, what string
	number     int     // of events
	rate       float64 // events a second
	runtime    string  // the function server's program; default: bare
	// prepare makes what must stand before the gateway does, and returns the lines of
	// its section jobs. nil: the store is a folder, and answers go to the sink.
	prepare func(s *stand) ([]string, error)
	// faults goes on until ctx ends, when everything was accepted, and leaves no fault
	// behind.
	faults func(ctx context.Context, s *stand) error
}

func scenarios() []scenario {
	return []scenario{
		{
			name: "gateway", what: "kill -9 of the gateway every few seconds",
			number: 3000, rate: 60, faults: killGateway,
		},
		{
			name: "functions", what: "kill -9 of every instance every few seconds",
			number: 3000, rate: 60, faults: killInstances,
		},
		{
			name: "runtime", what: "kill -9 of gateway and instances in turns, the real runtime in them",
			number: 1000, rate: 20, runtime: "saccade-runtime", faults: killBoth,
		},
		{
			name: "sink", what: "the sink fails 30%, hangs, loses its acknowledgements, answers 429 with Retry-After",
			number: 3000, rate: 60, prepare: impatient, faults: troubleSink,
		},
		{
			name: "sink-wire", what: "toxiproxy before the sink: latency, bandwidth, slicer, reset, timeout, cut",
			number: 3000, rate: 60, prepare: wireToSink, faults: troubleSinkWire,
		},
		{
			name: "broker", what: "jobs in a NATS server behind toxiproxy: latency, bandwidth, slicer, reset, cut; kill -9 of the server",
			number: 3000, rate: 60, prepare: wireToBroker, faults: troubleBroker,
		},
		{
			name: "disk", what: "a disk of 64 MB that fills, with 8 MB kept for outcomes",
			number: 2500, rate: 50, prepare: smallDisk(8 << 20), faults: fillDisk,
		},
		{
			name: "disk-bare", what: "a disk of 64 MB that fills, with nothing kept",
			number: 2500, rate: 50, prepare: smallDisk(-1), faults: fillDisk,
		},
		{
			name: "clock", what: "the gateway's wall clock jumps by hours, to and fro, also while no gateway runs, and the sink fails 20%",
			number: 2500, rate: 50, faults: turnClock,
		},
	}
}

func names() []string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return all
}

// choose picks scenarios by name, all where only is empty.
func choose(only string) ([]scenario, error) {
	if only == "" {
		return scenarios(), nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(only, ",") {
		at := slices.IndexFunc(scenarios(), func(s scenario) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no scenario %q; there are %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, scenarios()[at])
	}
	return chosen, nil
}

// play runs a scenario to its row.
func play(ctx context.Context, o options, s scenario) row {
	began := time.Now()
	r := row{name: s.name, what: s.what}
	st, err := setUp(ctx, o, s)
	if st != nil {
		defer st.close()
	}
	if err == nil {
		r.counts, err = st.run(ctx)
		r.notes = st.told()
	}
	r.took = time.Since(began)
	if errors.Is(err, errNoDisk) || errors.Is(err, errNoTurning) {
		r.skipped = err
	} else {
		r.err = err
	}
	return r
}
