package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// kinds are the ways in which a wire is bad without being cut.
func kinds() [][]toxic {
	return [][]toxic{
		{{kind: "latency", attributes: map[string]int{"latency": 150, "jitter": 100}}},
		{{kind: "bandwidth", attributes: map[string]int{"rate": 64}}},                                           // KB/s
		{{kind: "slicer", attributes: map[string]int{"average_size": 100, "size_variation": 50, "delay": 500}}}, // bytes, µs
		{{kind: "reset_peer", stream: "downstream", attributes: map[string]int{"timeout": 300}}},                // ms
		{{kind: "timeout", stream: "downstream", attributes: map[string]int{"timeout": 0}}},                     // nothing comes, for ever
	}
}

func wireToSink(s *stand) ([]string, error) {
	to := strings.TrimSuffix(strings.TrimPrefix(s.sink.url, "http://"), "/")
	if err := s.lay("sink", to); err != nil {
		return nil, err
	}
	s.sinkTo = "http://" + s.wire.address() + "/"
	return []string{"dir: " + filepath.Join(s.dir, "jobs")}, nil
}

func wireToBroker(s *stand) (lines []string, err error) {
	if s.broker, err = newBroker(filepath.Join(s.dir, "broker")); err != nil {
		return nil, err
	}
	if err := s.broker.start(); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.broker.end)
	if err := s.lay("broker", s.broker.address); err != nil {
		return nil, err
	}
	return []string{"url: nats://" + s.wire.address()}, nil
}

// lay opens the stand's wire.
func (s *stand) lay(name, to string) (err error) {
	if s.wire, err = newWire(name, to); err != nil {
		return err
	}
	s.closers = append(s.closers, s.wire.cut)
	return nil
}

func troubleSinkWire(ctx context.Context, s *stand) error { return troubleWire(ctx, s, nil) }

// troubleBroker has a bad wire to the broker, and kills the broker itself.
func troubleBroker(ctx context.Context, s *stand) error {
	kills := 0
	err := troubleWire(ctx, s, func() error {
		s.broker.end()
		pause(ctx, s.every/2)
		kills++
		return s.broker.start()
	})
	s.note("the broker was killed %d times", kills)
	return err
}

// troubleWire goes through all a wire can do to those at its ends, and then what kill
// does to the far one.
func troubleWire(ctx context.Context, s *stand, kill func() error) error {
	seen := map[string]int{}
	for turn := 0; ctx.Err() == nil; turn++ {
		var err error
		ways := kinds()
		switch at := turn % (len(ways) + 2); {
		case at < len(ways):
			seen[ways[at][0].kind]++
			err = s.wire.poison(ways[at]...)
			pause(ctx, s.every)
			s.wire.heal(context.WithoutCancel(ctx))
		case at == len(ways):
			seen["cut"]++
			s.wire.cut()
			pause(ctx, s.every)
			err = s.wire.mend()
		case kill != nil:
			err = kill()
		}
		s.fault()
		if err != nil {
			return errors.Join(err, ctx.Err())
		}
		pause(ctx, s.every/2)
	}
	var all []string
	for _, ways := range kinds() {
		all = append(all, fmt.Sprintf("%s %d", ways[0].kind, seen[ways[0].kind]))
	}
	s.note("%s, cut %d", strings.Join(all, ", "), seen["cut"])
	return nil
}
