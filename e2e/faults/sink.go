package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Types of the events that a sink gets.
const (
	typeDetected = "dev.saccade.detected.v1"
	typeFailed   = "dev.saccade.failed.v1"
)

// manner is how a sink treats its nth delivery.
type manner func(n int64) treatment

// treatment is what a sink does with one delivery.
type treatment struct {
	// Status is what it answers; anything but 2xx means that it did not take it.
	Status int
	// After is the Retry-After of the answer, in whole seconds; 0 for none.
	After time.Duration
	// Hang takes no end: the sender gives up.
	Hang bool
	// Kept says that the sink has it before it hangs: an acknowledgement that is lost.
	Kept bool
}

func wellBehaved(int64) treatment { return treatment{Status: http.StatusNoContent} }

// sink takes outcomes and enters them in the ledger before it says that it has them.
type sink struct {
	ledger *ledger
	url    string
	server *http.Server
	served chan error

	manner atomic.Pointer[manner]
	n      atomic.Int64

	mu      sync.Mutex
	waiting map[string]time.Time // not to come back before, by the answer's id
	asked   int                  // deliveries that were told when to come back
	early   int                  // those that came back before
}

func openSink(l *ledger) (*sink, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{
		ledger: l, url: "http://" + listener.Addr().String() + "/", served: make(chan error, 1), waiting: map[string]time.Time{},
	}
	s.behave(wellBehaved)
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

func (s *sink) close() {
	_ = s.server.Close()
	<-s.served
}

// behave changes the sink's manner from now on.
func (s *sink) behave(m manner) { s.manner.Store(&m) }

// ServeHTTP is a delivery.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, 8<<20)); err != nil {
		return // half a delivery is none
	}
	id, cause, kind := r.Header.Get("Ce-Id"), r.Header.Get("Ce-Causationid"), r.Header.Get("Ce-Type")
	if id == "" || cause == "" {
		http.Error(w, "no outcome", http.StatusBadRequest)
		return
	}
	s.arrived(id, time.Now())
	do := (*s.manner.Load())(s.n.Add(1))
	taken := do.Status >= 200 && do.Status < 300
	if taken || do.Kept {
		s.ledger.outcome(cause, answer{id, kind}, time.Now())
	}
	if do.Hang {
		<-r.Context().Done()
		return
	}
	if do.After > 0 {
		s.ask(id, time.Now().Add(do.After))
		w.Header().Set("Retry-After", strconv.Itoa(int(do.After/time.Second)))
	}
	w.WriteHeader(do.Status)
}

// ask notes when an answer may come again.
func (s *sink) ask(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.waiting[id] = at
}

func (s *sink) arrived(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, asked := s.waiting[id]; asked {
		delete(s.waiting, id)
		if at.Before(until) {
			s.early++
		}
	}
}

// heeded is how many deliveries were told when to come back, and how many came before.
func (s *sink) heeded() (asked, early int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.early
}

// pause waits, or returns early where ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
