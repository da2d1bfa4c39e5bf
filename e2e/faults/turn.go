package main

import (
	"context"
	"net/http"
	"time"
)

// turns are how far off the gateway's clock is set, one after the other. killed: the
// gateway is killed instead, and the next one has the true time, as if the clock had
// been set while no gateway ran.
var turns = []struct {
	off    time.Duration
	killed bool
}{{off: time.Hour}, {off: -time.Hour}, {off: 5 * time.Hour}, {killed: true}, {off: -3 * time.Hour}, {}}

// turnClock sets the gateway's clock to and fro. What is late, because the sink fails
// some, has a time at which it is due.
func turnClock(ctx context.Context, s *stand) error {
	s.sink.behave(some(20, treatment{Status: http.StatusInternalServerError}))
	defer s.sink.behave(wellBehaved)
	times, kills := 0, 0
	for n := 0; ; n++ {
		if pause(ctx, s.every); ctx.Err() != nil {
			break
		}
		var err error
		if turn := turns[n%len(turns)]; turn.killed {
			kills++
			err = s.gateway.kill()
		} else {
			times++
			err = s.gateway.turn(turn.off)
		}
		if err != nil {
			return err
		}
		s.fault()
	}
	s.note("the clock was turned %d times, and %d times while the gateway was killed", times, kills)
	return nil
}
