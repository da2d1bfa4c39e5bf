package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// patience is how long nothing may happen before what is missing is called lost. It
// is longer than a lease, and than the pauses after a fault that lasted a while.
const patience = 2 * time.Minute

// settle waits until every accepted event has an outcome, and returns those that have
// it at their status URL alone. What has none is written down with its status.
func (s *stand) settle(ctx context.Context) map[string]bool {
	last, since := -1, time.Now()
	for ctx.Err() == nil {
		missing := s.ledger.missing()
		if len(missing) == 0 {
			return nil
		}
		if len(missing) != last {
			last, since = len(missing), time.Now()
		}
		if time.Since(since) > patience {
			break
		}
		pause(ctx, 100*time.Millisecond)
	}
	return s.inquire(ctx)
}

// inquire asks for every job that is missing at the sink.
func (s *stand) inquire(ctx context.Context) map[string]bool {
	reasoned := map[string]bool{}
	words, err := os.Create(filepath.Join(s.dir, "lost.txt"))
	if err != nil {
		s.note("what is lost cannot be written down: %v", err)
		return reasoned
	}
	defer words.Close()
	for id, job := range s.ledger.missing() {
		got, body, err := ask(ctx, s.gateway.url, job)
		if err == nil && got.reasoned() {
			reasoned[id] = true
			continue
		}
		fmt.Fprintf(words, "%s %s: %v %s\n", id, job, err, body)
	}
	return reasoned
}

// looked is how many jobs are asked for at the end.
const looked = 25

// readable checks that what the sink got can be read at the status URL too.
func (s *stand) readable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, job := range s.ledger.jobs(max(1, s.load.number/looked)) {
		for {
			got, body, err := ask(ctx, s.gateway.url, job)
			if err == nil && got.final() {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("the job %s has no end at its status URL: %v %s", job, err, body)
			}
			pause(ctx, 100*time.Millisecond)
		}
	}
	return nil
}
