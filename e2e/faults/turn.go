package main

import (
	"context"
	"net/http"
	"time"
)

// turnClock sets the gateway's clock to and fro. What is late, because the sink fails
// some, has a time at which it is due.
func turnClock(ctx context.Context, s *stand) error {
	s.sink.behave(some(20, treatment{Status: http.StatusInternalServerError}))
	defer s.sink.behave(wellBehaved)
	times := 0
	for _, off := range forever(time.Hour, -time.Hour, 5*time.Hour, -3*time.Hour, 0) {
		if pause(ctx, s.every); ctx.Err() != nil {
			break
		}
		if err := s.gateway.turn(off); err != nil {
			return err
		}
		s.fault()
		times++
	}
	s.note("the clock was turned %d times", times)
	return nil
}

// forever goes through the values again and again.
func forever[T any](values ...T) func(yield func(int, T) bool) {
	return func(yield func(int, T) bool) {
		for i := 0; yield(i, values[i%len(values)]); i++ {
		}
	}
}
