package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is a patient sender: it sends each event until somebody says 202, always under
// the event's id. Half of the events come in bursts: a gateway that is idle between
// two events has nothing to lose.
type load struct {
	ledger   *ledger
	gateway  string // URL
	function string
	name     string // begins the ids
	number   int
	rate     float64 // events a second
	picture  func(i int) []byte
}

// burst is how long the events take that are sent at once, at the rate.
const burst = 2 * time.Second

// Every so manieth event is not like the others.
const (
	plainEvery = 10 // comes over the plain API, its id an Idempotency-Key
	twiceEvery = 20 // is sent again when it was accepted
	largeEvery = 50 // has a picture that is too long for the stream
)

// senders is how many events are on their way to the gateway at a time.
const senders = 24

// send returns when every event was accepted, or ctx has ended. An error is an answer
// that nobody may get.
func (l *load) send(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	began := time.Now()
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= l.number {
					return
				}
				pause(ctx, time.Until(began.Add(l.due(i))))
				if ctx.Err() != nil {
					return
				}
				if err := l.one(ctx, client, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("sending events: %w", err)
	}
	return nil
}

// due is when an event is sent, after the first: of those of a burst half at once, and
// the others one by one until the next, so that recovery is seen when it comes.
func (l *load) due(i int) time.Duration {
	n := max(2, int(l.rate*burst.Seconds()))
	at := time.Duration(i/n) * burst
	if late := i%n - n/2; late > 0 {
		at += burst * time.Duration(late) / time.Duration(n-n/2)
	}
	return at
}

// one sends an event until it is accepted.
func (l *load) one(ctx context.Context, client *http.Client, i int) error {
	id := fmt.Sprintf("%s-%d", l.name, i)
	picture := l.picture(i)
	l.ledger.send(id, time.Now())
	times := 1
	if i%twiceEvery == 7 {
		times = 2
	}
	for times > 0 && ctx.Err() == nil {
		wait, err := l.try(ctx, client, i, id, picture)
		switch {
		case err != nil:
			return err
		case wait == 0:
			times--
		default:
			pause(ctx, wait)
		}
	}
	return nil
}

// longestWait bounds what is waited because the gateway asked for it: a run has an end.
const longestWait = 2 * time.Second

// try sends an event once. wait is 0 where it was accepted.
func (l *load) try(ctx context.Context, client *http.Client, i int, id string, picture []byte) (wait time.Duration, err error) {
	req, err := l.request(ctx, i, id, picture)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil { // nobody was there, or it died before it answered
		if ctx.Err() == nil {
			l.ledger.cut()
		}
		return 100 * time.Millisecond, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil && resp.StatusCode != http.StatusAccepted {
		l.ledger.cut()
		return 100 * time.Millisecond, nil
	}
	switch resp.StatusCode {
	case http.StatusAccepted:
		l.ledger.accept(id, resp.Header.Get("Location"), time.Now())
		return 0, nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		l.ledger.refuse(err == nil && seconds > 0)
		wait = min(max(time.Duration(seconds)*time.Second, 100*time.Millisecond), longestWait)
		return wait/2 + rand.N(wait/2), nil // or it might come whenever the fault does
	}
	return 0, fmt.Errorf("event %s was answered with %s: %s", id, resp.Status, body)
}

func (l *load) request(ctx context.Context, i int, id string, picture []byte) (*http.Request, error) {
	at := l.gateway + "/v1/events"
	if i%plainEvery == 3 {
		at = l.gateway + "/v1/functions/" + l.function + "/detect"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "image/jpeg")
	req.Header.Set("Prefer", "respond-async")
	if i%plainEvery == 3 {
		req.Header.Set("Idempotency-Key", id)
		return req, nil
	}
	for name, value := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": id, "Ce-Source": "/faults", "Ce-Type": "dev.saccade.detect.v1", "Ce-Function": l.function,
	} {
		req.Header.Set(name, value)
	}
	return req, nil
}
