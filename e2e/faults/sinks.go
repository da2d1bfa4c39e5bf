package main

import (
	"context"
	"net/http"
	"path/filepath"
	"time"
)

// impatient has deliveries given up before the next trouble begins, so that each is
// seen by itself.
func impatient(s *stand) ([]string, error) {
	return []string{"dir: " + filepath.Join(s.dir, "jobs"), "sinkTimeout: 2s"}, nil
}

// troubleSink has the sink misbehave in every way, one after the other.
func troubleSink(ctx context.Context, s *stand) error {
	ways := []manner{
		some(30, treatment{Status: http.StatusInternalServerError}),
		some(20, treatment{Hang: true}),
		some(20, treatment{Hang: true, Kept: true}),
		some(40, treatment{Status: http.StatusTooManyRequests, After: 2 * time.Second}),
		some(100, treatment{Status: http.StatusServiceUnavailable}),
	}
	defer s.sink.behave(wellBehaved)
	for turn := 0; ctx.Err() == nil; turn++ {
		s.sink.behave(ways[turn%len(ways)])
		pause(ctx, s.every)
		s.sink.behave(wellBehaved)
		s.fault()
		pause(ctx, s.every/2)
	}
	return nil
}

// some treats so many of a hundred deliveries in a way, the others well. They are
// spread, so that one event is not always among them.
func some(percent int64, way treatment) manner {
	return func(n int64) treatment {
		if n*37%100 < percent {
			return way
		}
		return wellBehaved(n)
	}
}
