package serve

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/vision"
)

// gate is a detector whose runs wait to be let through.
type gate struct {
	begun   chan struct{}
	through chan struct{}
}

func (g gate) Warm(context.Context) error { return nil }

func (g gate) Detect(ctx context.Context, _ *vision.Picture, _ functions.Parameters) ([]functions.Detection, functions.Timing, error) {
	g.begun <- struct{}{}
	select {
	case <-g.through:
		return nil, functions.Timing{}, nil
	case <-ctx.Done():
		return nil, functions.Timing{}, context.Cause(ctx)
	}
}

// serving is a started server on a real socket, with one request in its run.
func serving(t *testing.T, g gate) (s *Server, address string, answered <-chan int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = New(Options{})
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	group.Go(func() {
		if err := s.Serve(listener); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(t.Context(), func(context.Context) (Function, error) {
		return Function{Detector: g, Parallel: 1}, nil
	}); err != nil {
		t.Fatal(err)
	}
	address = "http://" + listener.Addr().String()
	body, status := picture(t), make(chan int, 1)
	group.Go(func() {
		resp, err := http.Post(address+"/v1/detect", "image/png", bytes.NewReader(body))
		if err != nil {
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	})
	<-g.begun
	return s, address, status
}

func TestDrainingFinishesWhatIsInside(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	s, address, answered := serving(t, g)
	drained := make(chan error, 1)
	go func() { drained <- s.Drain(context.Background()) }()
	for !s.draining.Load() { // the first thing that Drain does
		runtime.Gosched()
	}
	if got := get(s, "/readyz").Code; got != http.StatusServiceUnavailable {
		t.Errorf("readyz while draining: %d", got)
	}
	close(g.through)
	if got := <-answered; got != http.StatusOK {
		t.Errorf("the request that was inside: %d", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if resp, err := http.Get(address + "/healthz"); err == nil {
		resp.Body.Close()
		t.Error("it still takes connections")
	}
}

func TestDrainingEndsWhatTakesTooLong(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	s, _, answered := serving(t, g)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the grace is over at once
	if err := s.Drain(ctx); err != nil {
		t.Error(err)
	}
	if got := <-answered; got != http.StatusServiceUnavailable {
		t.Errorf("the request that was ended: %d; want to be told that the instance stops", got)
	}
}
