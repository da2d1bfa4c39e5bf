package coldstart

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

const revision = "eye-00001"

// arrivals counts what the platform is told.
type arrivals struct {
	mu      sync.Mutex
	in, out int
}

func (a *arrivals) Arrived(string)             { a.mu.Lock(); a.in++; a.mu.Unlock() }
func (a *arrivals) Left(string, time.Duration) { a.mu.Lock(); a.out++; a.mu.Unlock() }

func instance(name string, ready bool, capacity int) Instance {
	return Instance{Name: name, Ready: ready, Capacity: capacity, Life: NewLife()}
}

func enter(t *testing.T, r *Room) *Ticket {
	t.Helper()
	ticket, err := r.Enter(revision)
	if err != nil {
		t.Fatalf("entering: %v", err)
	}
	return ticket
}

func wait(t *testing.T, ticket *Ticket) *Lease {
	t.Helper()
	lease, err := ticket.Wait(t.Context())
	if err != nil {
		t.Fatalf("waiting: %v", err)
	}
	return lease
}

func TestARequestAtZeroWaitsUntilAnInstanceIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		platform := &arrivals{}
		room := New(platform, Options{})
		ticket := enter(t, room)
		if platform.in != 1 {
			t.Error("the platform was not told at once")
		}
		leased := make(chan *Lease, 1)
		go func() {
			lease, _ := ticket.Wait(t.Context())
			leased <- lease
		}()
		synctest.Wait()
		if len(leased) != 0 {
			t.Fatal("a lease was granted without an instance")
		}
		room.Publish(revision, []Instance{instance("a", true, 1)})
		lease := <-leased
		if lease.Name != "a" || lease.Cold {
			t.Errorf("lease = %q, cold %v; want a, warm", lease.Name, lease.Cold)
		}
		lease.Release()
		ticket.Leave()
		ticket.Leave()
		if platform.out != 1 {
			t.Errorf("the platform was told of %d departures, want 1", platform.out)
		}
	})
}

func TestRequestsGoToTheLeastLoadedReadyInstance(t *testing.T) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("a", true, 2), instance("b", true, 2), instance("c", false, 2)})
	var got []string
	for range 4 {
		got = append(got, wait(t, enter(t, room)).Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "a", "b"}, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
}

func TestOnlyWhileNoneIsReadyDoRequestsGoToAnInstanceThatStarts(t *testing.T) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("starting", false, 1)})
	if lease := wait(t, enter(t, room)); !lease.Cold {
		t.Error("the lease on an instance that starts is not cold")
	}
	room.Publish(revision, []Instance{instance("starting", false, 2), instance("ready", true, 1)})
	if lease := wait(t, enter(t, room)); lease.Name != "ready" || lease.Cold {
		t.Errorf("lease = %s, cold %v; want the ready one", lease.Name, lease.Cold)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if lease, err := enter(t, room).Wait(ctx); err == nil {
		t.Errorf("a request was given to %s although the ready instance is only busy", lease.Name)
	}
}

// Whoever came first would be answered last if it were sent to an instance that has only
// begun to start when another is about to be ready.
func TestRequestsGoToTheFirstOfThoseThatStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(&arrivals{}, Options{})
		ticket := enter(t, room)
		time.Sleep(10 * time.Second)
		room.Publish(revision, []Instance{instance("known", true, 1)})
		wait(t, ticket).Release() // so a start takes ten seconds
		ticket.Leave()
		room.Publish(revision, nil)
		publish := func(ready ...bool) {
			var all []Instance
			for n, is := range ready {
				all = append(all, instance(string(rune('a'+n)), is, 1))
			}
			room.Publish(revision, all)
		}
		waits := func() (granted chan string) {
			granted = make(chan string, 1)
			go func() {
				lease, err := enter(t, room).Wait(t.Context())
				if err == nil {
					granted <- lease.Name
				}
			}()
			synctest.Wait()
			return granted
		}
		publish(false)
		first, second, third := waits(), waits(), waits()
		time.Sleep(time.Second)
		publish(false, false) // a tenth of a start later
		time.Sleep(time.Millisecond)
		publish(false, false, false)
		if len(first) != 1 || len(second) != 1 || len(third) != 0 {
			t.Fatalf("%d, %d and %d were sent to instances that start; want the first and the second", len(first), len(second), len(third))
		}
		time.Sleep(9 * time.Second)
		publish(false, false, true)
		synctest.Wait()
		if got := <-third; got != "c" {
			t.Errorf("the third went to %s, which was not ready", got)
		}
		room.Publish(revision, []Instance{instance("a", false, 1), instance("b", false, 1), instance("d", false, 1)})
		fourth := waits()
		if len(fourth) != 0 {
			t.Errorf("the fourth was sent to %s, which has only begun", <-fourth)
		}
		room.Publish(revision, []Instance{instance("d", false, 1)})
		synctest.Wait()
		if len(fourth) != 1 {
			t.Error("the only one that starts gets no request")
		}
	})
}

func TestCapacityIsNeverExceededAndNoRequestIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const requests = 300
		platform := &arrivals{}
		room := New(platform, Options{MaxWaiting: requests})
		var mu sync.Mutex
		busy, served := map[string]int{}, 0
		var group sync.WaitGroup
		for range requests {
			group.Go(func() {
				ticket, err := room.Enter(revision)
				if err != nil {
					t.Error(err)
					return
				}
				defer ticket.Leave()
				lease, err := ticket.Wait(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				busy[lease.Name]++
				if busy[lease.Name] > lease.Capacity {
					t.Errorf("%s has %d requests, its capacity is %d", lease.Name, busy[lease.Name], lease.Capacity)
				}
				served++
				mu.Unlock()
				time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
				mu.Lock()
				busy[lease.Name]--
				mu.Unlock()
				lease.Release()
			})
		}
		for n := range 40 { // instances come and go
			var published []Instance
			for i := range n % 4 {
				published = append(published, instance(fmt.Sprint(n/8, "-", i), (n+i)%3 != 0, 1+i))
			}
			room.Publish(revision, published)
			time.Sleep(20 * time.Millisecond)
		}
		room.Publish(revision, []Instance{instance("last", true, 8)})
		group.Wait()
		if served != requests || platform.in != requests || platform.out != requests {
			t.Errorf("served %d, arrived %d, left %d; want %d each", served, platform.in, platform.out, requests)
		}
		if inFlight, waiting := room.Load(revision); inFlight != 0 || waiting != 0 {
			t.Errorf("in flight %d, waiting %d after the last one left", inFlight, waiting)
		}
	})
}

func TestAWithdrawnInstanceFinishesWhatItHasAndGetsNoMore(t *testing.T) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("old", true, 5)})
	lease := wait(t, enter(t, room))
	room.Publish(revision, []Instance{instance("new", true, 5)})
	if got := wait(t, enter(t, room)); got.Name != "new" {
		t.Errorf("a withdrawn instance got a request")
	}
	drained := room.Drained(revision, "old")
	select {
	case <-drained:
		t.Fatal("drained with a request in flight")
	default:
	}
	lease.Release()
	lease.Release() // twice is once
	<-drained
	<-room.Drained(revision, "old") // and known to be gone from then on
}

func TestRefusalFailsWaitersAndNewcomersUntilReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(&arrivals{}, Options{})
		ticket := enter(t, room)
		failed := make(chan error, 1)
		go func() { _, err := ticket.Wait(t.Context()); failed <- err }()
		synctest.Wait()

		reason := functions.Errorf(functions.Unavailable, "the model is not an ONNX file")
		room.Refuse(revision, reason, time.Now().Add(5*time.Second))
		e, ok := errors.AsType[*functions.Error](<-failed)
		if !ok || e.Detail != reason.Detail || e.RetryAfter != 5*time.Second {
			t.Errorf("the waiter was told %+v", e)
		}
		time.Sleep(2 * time.Second)
		_, err := room.Enter(revision)
		if e, ok := errors.AsType[*functions.Error](err); !ok || e.RetryAfter != 3*time.Second {
			t.Errorf("a newcomer was told %+v, want to come back in 3s", e)
		}
		ticket.Leave()
		room.Reopen(revision)
		enter(t, room).Leave()
	})
}

func TestAForgottenRevisionGoesWithItsLastRequest(t *testing.T) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("a", true, 1)})
	ticket := enter(t, room)
	lease := wait(t, ticket)
	room.Publish(revision, nil)
	room.Forget(revision)
	drained := room.Drained(revision, "a")
	select {
	case <-drained:
		t.Fatal("drained with a request in flight")
	default:
	}
	lease.Release()
	<-drained
	ticket.Leave()
	room.Publish(revision, nil)
	<-room.Drained(revision, "a")
	if len(room.queues) != 0 {
		t.Errorf("%d revisions are remembered", len(room.queues))
	}
}

func TestBoundsAreKept(t *testing.T) {
	t.Run("more waiting requests than allowed are turned away with Retry-After", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxWaiting: 2})
		enter(t, room)
		second := enter(t, room)
		_, err := room.Enter(revision)
		e, ok := errors.AsType[*functions.Error](err)
		if !ok || e.Kind != functions.Busy || e.RetryAfter < time.Second {
			t.Fatalf("err = %+v, want busy with a time to come back", e)
		}
		second.Leave()
		enter(t, room)
	})
	t.Run("more bytes than allowed are turned away, and given back when the request leaves", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxBytes: 100, MaxBytesOf: 100})
		first, second := enter(t, room), enter(t, room)
		if err := first.Hold(80); err != nil {
			t.Fatal(err)
		}
		if err := second.Hold(30); functions.KindOf(err) != functions.Busy {
			t.Fatalf("err = %v, want busy", err)
		}
		if err := first.Hold(60); err != nil { // the picture was smaller than declared
			t.Fatal(err)
		}
		if err := second.Hold(30); err != nil {
			t.Fatal(err)
		}
		first.Leave()
		if err := second.Hold(100); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the time to come back follows from the measured time of a request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			room := New(&arrivals{}, Options{MaxWaiting: 8})
			room.Publish(revision, []Instance{instance("a", true, 1)})
			ticket := enter(t, room)
			lease := wait(t, ticket)
			time.Sleep(4 * time.Second)
			lease.Release()
			ticket.Leave()
			for range 8 {
				enter(t, room)
			}
			_, err := room.Enter(revision)
			if e, _ := errors.AsType[*functions.Error](err); e == nil || e.RetryAfter != 36*time.Second {
				t.Errorf("err = %+v, want to come back in 36s", e)
			}
		})
	})
}

func TestAWaitEndsWithItsDeadlineAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(&arrivals{}, Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := enter(t, room).Wait(ctx)
		if functions.KindOf(err) != functions.ColdStartTimeout {
			t.Errorf("without an instance: %v, want a cold start timeout", err)
		}
		room.Publish(revision, []Instance{instance("a", true, 1)})
		wait(t, enter(t, room))
		ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err = enter(t, room).Wait(ctx)
		if functions.KindOf(err) != functions.Busy {
			t.Errorf("with an instance that is full: %v, want busy", err)
		}
	})
}

func TestALeaseGrantedToACallerWhoLeftIsNotLost(t *testing.T) {
	room := New(&arrivals{}, Options{})
	ticket := enter(t, room)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	room.Publish(revision, []Instance{instance("a", true, 1)})
	lease, err := ticket.Wait(ctx)
	if err != nil {
		t.Skip("the cancellation was seen first") // both are right; the count below is what matters
	}
	lease.Release()
	ticket.Leave()
	wait(t, enter(t, room))
}

func TestARequestIsSentToAnotherInstanceAsOftenAsIsSafe(t *testing.T) {
	for _, tt := range []struct {
		name    string
		crashed bool
		cold    bool
		want    int
	}{
		{"an instance that crashed: once more, the picture may be to blame", true, false, maxCrashes},
		{"an instance that was killed: until it is hopeless", false, false, maxLosses},
		{"an instance that crashed before it was ready: not the picture's fault", true, true, maxLosses},
	} {
		t.Run(tt.name, func(t *testing.T) {
			room := New(&arrivals{}, Options{})
			ticket := enter(t, room)
			retries := 0
			for range 20 {
				life := NewLife()
				life.End(tt.crashed)
				if !ticket.MayRetry(t.Context(), &Lease{Instance: Instance{Life: life}, Cold: tt.cold}) {
					break
				}
				retries++
			}
			if retries != tt.want {
				t.Errorf("%d retries, want %d", retries, tt.want)
			}
		})
	}
	t.Run("an instance that lives on has answered for good", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if enter(t, New(&arrivals{}, Options{})).MayRetry(ctx, &Lease{Instance: instance("a", true, 1)}) {
			t.Error("a retry although the instance lives")
		}
	})
}
