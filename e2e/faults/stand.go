package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// stand is what one scenario plays on: a gateway, a sink, a ledger, and what stands
// between them.
type stand struct {
	scenario scenario
	dir      string
	every    time.Duration // between faults
	sinkTo   string        // where the gateway finds the sink
	ledger   *ledger
	sink     *sink
	gateway  *gateway
	broker   *broker
	wire     *wire
	load     *load
	closers  []func()

	mu    sync.Mutex
	notes []string
}

func setUp(ctx context.Context, o options, sc scenario) (*stand, error) {
	s := &stand{scenario: sc, dir: filepath.Join(o.out, sc.name), every: 4 * time.Second, ledger: newLedger()}
	lease := 30 * time.Second // the default
	if o.quick {
		s.every, lease, sc.rate = time.Second, 4*time.Second, sc.rate/2
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if s.sink, err = openSink(s.ledger); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.sink.close)
	s.sinkTo = s.sink.url
	lines := []string{"dir: " + filepath.Join(s.dir, "jobs")}
	if sc.prepare != nil {
		if lines, err = sc.prepare(s); err != nil {
			return s, err
		}
	}
	lines = append(lines, "sink: "+s.sinkTo, fmt.Sprintf("lease: %s", lease))
	program := sc.runtime
	if program == "" {
		program = "bare"
	}
	if s.gateway, err = newGateway(o, s.dir, configuration{runtime: program, jobs: lines}); err != nil {
		return s, err
	}
	s.gateway.turned = sc.name == "clock"
	if err := s.gateway.start(); err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() { s.gateway.end(syscall.SIGKILL) })
	picture, err := pictures(600 << 10)
	if err != nil {
		return s, err
	}
	s.load = &load{
		ledger: s.ledger, gateway: s.gateway.url, function: "centernet", name: sc.name,
		number: int(float64(sc.number) * o.scale), rate: sc.rate, picture: picture,
	}
	return s, s.gateway.untilUp(ctx)
}

func (s *stand) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// note keeps a sentence for the report.
func (s *stand) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

func (s *stand) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes
}

// fault notes the moment of a kill, or of the end of an outage.
func (s *stand) fault() { s.ledger.mark(time.Now()) }

// run sends, breaks, waits for what was accepted, and counts.
func (s *stand) run(ctx context.Context) (counts, error) {
	breaking, enough := context.WithCancel(ctx)
	defer enough()
	broken := make(chan error, 1)
	go func() { broken <- s.scenario.faults(breaking, s) }()
	err := s.load.send(ctx)
	enough()
	err = errors.Join(err, <-broken)
	if err != nil {
		return s.ledger.close(nil), err
	}
	reasoned := s.settle(ctx)
	c := s.ledger.close(reasoned)
	if n := s.gateway.fell(); n > 0 {
		err = fmt.Errorf("the gateway ended by itself %d times; its words are in %s", n, s.gateway.log)
	}
	if asked, early := s.sink.heeded(); asked > 0 {
		s.note("told %d deliveries when to come back, %d came before", asked, early)
		if early > 0 {
			err = errors.Join(err, fmt.Errorf("%d deliveries came before Retry-After allowed them to", early))
		}
	}
	return c, errors.Join(err, s.readable(ctx))
}
