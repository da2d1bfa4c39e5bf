package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

// untilBusy waits, and then for a moment at which the gateway is in the middle of
// something: events have begun to come again.
func (s *stand) untilBusy(ctx context.Context, wait time.Duration) {
	pause(ctx, wait)
	for before := s.ledger.accepted(); s.ledger.accepted() == before && ctx.Err() == nil; {
		pause(ctx, time.Millisecond)
	}
	pause(ctx, rand.N(150*time.Millisecond))
}

// killGateway ends the gateway in the middle of whatever it does, again and again.
func killGateway(ctx context.Context, s *stand) error {
	kills := 0
	for s.untilBusy(ctx, s.every); ctx.Err() == nil; s.untilBusy(ctx, s.every) {
		s.fault()
		if err := s.gateway.kill(); err != nil {
			return err
		}
		kills++
	}
	s.note("the gateway was killed %d times", kills)
	return nil
}

// killInstances ends every instance of the function, again and again.
func killInstances(ctx context.Context, s *stand) error {
	kills := 0
	for s.untilBusy(ctx, s.every/2); ctx.Err() == nil; s.untilBusy(ctx, s.every/2) {
		kills += s.shoot()
	}
	s.note("%d instances were killed", kills)
	return nil
}

// shoot kills the instances there are.
func (s *stand) shoot() (killed int) {
	all := s.gateway.instances()
	if len(all) > 0 {
		s.fault()
	}
	for _, pid := range all {
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

func killBoth(ctx context.Context, s *stand) error {
	gateways, instances := 0, 0
	for turn := 0; ; turn++ {
		if s.untilBusy(ctx, s.every/2); ctx.Err() != nil {
			break
		}
		if turn%2 == 0 {
			instances += s.shoot()
			continue
		}
		s.fault()
		if err := s.gateway.kill(); err != nil {
			return err
		}
		gateways++
	}
	s.note("the gateway was killed %d times, instances %d", gateways, instances)
	return nil
}
