package main

import (
	"context"
	"syscall"
	"time"
)

// killGateway ends the gateway in the middle of whatever it does, again and again.
func killGateway(ctx context.Context, s *stand) error {
	kills := 0
	for pause(ctx, s.every); ctx.Err() == nil; pause(ctx, s.every) {
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
	for pause(ctx, s.every/2); ctx.Err() == nil; pause(ctx, s.every/2) {
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
		if pause(ctx, s.every+time.Duration(turn%3)*s.every/4); ctx.Err() != nil {
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
