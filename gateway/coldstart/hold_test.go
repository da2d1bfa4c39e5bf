package coldstart

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

const newer = "eye-00002"

// waited is what a request's wait ended with.
type waited struct {
	*Lease
	error
}

// waits begins to wait; the end comes when there is one.
func waits(ctx context.Context, ticket *Ticket) chan waited {
	ended := make(chan waited, 1)
	go func() {
		lease, err := ticket.Wait(ctx)
		ended <- waited{lease, err}
	}()
	synctest.Wait()
	return ended
}

func TestAHeldRevisionKeepsItsRequestsAndSendsThemToBeRoutedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.Publish(revision, []Instance{instance("a", true, 1)})
		inside := enter(t, a.Room)
		lease := wait(t, inside)
		before, uploads := enter(t, a.Room), enter(t, a.Room)
		early := waits(t.Context(), before)
		heard := a.in()

		a.Hold(revision)
		a.Hold(revision)
		a.Publish(revision, nil)
		a.Publish(revision, []Instance{instance("b", true, 8)}) // though there should be none
		lease.Release()                                         // it is finished
		inside.Leave()
		during, outside := enter(t, a.Room), a.Outside(revision)
		late := waits(t.Context(), during)
		time.Sleep(time.Minute)
		a.Refuse(revision, functions.Errorf(functions.Unavailable, "its pods are gone"), time.Now().Add(time.Hour))
		if synctest.Wait(); len(early)+len(late) != 0 {
			t.Fatal("a request was let go while its revision was held")
		}
		if a.in() != heard {
			t.Error("the platform heard of a request that came while its revision was held")
		}
		if _, waiting := a.Load(revision); waiting != 3 || a.Oldest(revision) != time.Minute {
			t.Errorf("%d wait, the first for %v", waiting, a.Oldest(revision))
		}

		a.Move(revision)
		a.Move(revision)
		for name, end := range map[string]waited{"before": <-early, "during": <-late, "its picture on the way": <-waits(t.Context(), uploads)} {
			if !errors.Is(end.error, ErrMoved) {
				t.Errorf("who came %s got %v, %v", name, end.Lease, end.error)
			}
		}
		a.Reopen(revision)
		if err := outside.Admit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if end := <-waits(t.Context(), outside); !errors.Is(end.error, ErrMoved) {
			t.Errorf("who was outside during the hold got %v", end.error)
		}
		for _, ticket := range []*Ticket{before, during, uploads, outside} {
			ticket.Leave()
		}
		if a.in() != heard || a.out() != heard {
			t.Errorf("the platform heard of %d requests and of %d ends; want %d of both", a.in(), a.out(), heard)
		}
		if l := wait(t, enter(t, a.Room)); l.Name != "b" {
			t.Errorf("who comes after the hold gets %s", l.Name)
		}
	})
}

func TestWhoWasHeldKeepsTurnAndBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{MaxWaiting: 3, MaxBytes: 100, MaxBytesOf: 100})
		a.Hold(revision)
		var tickets []*Ticket
		var ends []chan waited
		for range 3 {
			ticket := enter(t, a.Room)
			if err := ticket.Hold(30); err != nil {
				t.Fatal(err)
			}
			tickets, ends = append(tickets, ticket), append(ends, waits(t.Context(), ticket))
			time.Sleep(time.Second)
		}
		a.Move(revision)
		full, err := a.Admit(t.Context(), newer)
		if err != nil {
			t.Fatal(err)
		}
		crowd := waits(t.Context(), full)
		order := make(chan int, 3)
		for _, i := range []int{2, 0, 1} { // however they come
			if end := <-ends[i]; !errors.Is(end.error, ErrMoved) {
				t.Fatal(end.error)
			}
			tickets[i].Leave()
			again := tickets[i].Again(newer) // though it makes more than may wait
			go func() {
				if lease, err := again.Wait(t.Context()); err == nil {
					order <- i
					lease.Release()
				}
				again.Leave()
			}()
			synctest.Wait()
		}
		if held, _ := a.Bytes(); held != 90 {
			t.Errorf("%d bytes are held, want 90", held)
		}
		if a.in() != 4 {
			t.Errorf("the platform heard of %d requests for the new revision, want 4", a.in())
		}
		a.Publish(newer, []Instance{instance("b", true, 1)})
		if diff := cmp.Diff([]int{0, 1, 2}, []int{<-order, <-order, <-order}); diff != "" {
			t.Error(diff)
		}
		(<-crowd).Release() // who came last
		full.Leave()
		if synctest.Wait(); a.Room.held != 0 || a.waiting != 0 || a.out() != a.in() {
			t.Errorf("%d bytes, %d waiting, %d of %d left", a.Room.held, a.waiting, a.out(), a.in())
		}
	})
}

func TestMoreThanTheRoomHoldsIsTurnedAwayAndToldWhenToCome(t *testing.T) {
	for _, tt := range []struct {
		name    string
		measure func(*asked)
		held    time.Duration
		after   time.Duration
	}{
		{"no start has been measured", func(*asked) {}, 0, time.Second},
		{"a start takes nine seconds", func(a *asked) { a.coldStart(6*time.Second, time.Millisecond, 1) }, 0, 9 * time.Second},
		{"and the hold has lasted longer", func(a *asked) { a.coldStart(6*time.Second, time.Millisecond, 1) }, time.Minute, 9 * time.Second},
		{"a start takes an hour", func(a *asked) { a.coldStart(time.Hour, time.Millisecond, 1) }, 0, longestRetry},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAsked(t, Options{MaxWaiting: 2})
				tt.measure(a)
				a.Publish(revision, nil)
				heard := a.in()
				a.Hold(revision)
				for range 2 {
					enter(t, a.Room)
				}
				time.Sleep(tt.held)
				_, err := a.admit(0)
				if err == nil || err.Kind != functions.Unavailable || err.RetryAfter != tt.after {
					t.Errorf("the third got %v; want unavailable, retry after %v", err, tt.after)
				}
				if a.in() != heard {
					t.Error("the platform heard of it")
				}
			})
		})
	}
}

func TestADeadlineWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.coldStart(6*time.Second, time.Millisecond, 1) // nine, as far as anybody knows
		a.Publish(revision, nil)
		a.Hold(revision)
		heard := a.in()
		if _, err := a.admit(5 * time.Second); err == nil || err.Kind != functions.TooShort || err.RetryAfter < 4*time.Second {
			t.Errorf("a request that no start can serve in time got %v", err)
		}
		if a.in() != heard || a.Awake(revision) {
			t.Error("it woke what is to go")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		ticket, err := a.Admit(ctx, revision)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		end := <-waits(ctx, ticket)
		if functions.KindOf(end.error) != functions.ColdStartTimeout || time.Since(began) != 20*time.Second {
			t.Errorf("its own time was over after %v: %v", time.Since(began), end.error)
		}
		if _, err := a.admit(5 * time.Second); err != nil { // a start may be over at any moment now
			t.Errorf("later it gets %v", err)
		}
	})
}

// What a hold took is no measure of a start.
func TestAHoldIsNotMeasuredAsAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.coldStart(2*time.Second, time.Millisecond, 1)
		inside, before := enter(t, a.Room), enter(t, a.Room)
		lease := wait(t, inside)
		early := waits(t.Context(), before)
		a.Hold(revision)
		a.Publish(revision, nil)
		time.Sleep(time.Minute)
		lease.Release()
		inside.Leave()
		a.Publish(revision, []Instance{instance("b", true, 1)}) // it is there as soon as the hold is over
		a.Move(revision)
		<-early
		before.Leave()
		again := before.Again(revision)
		wait(t, again).Release()
		if got := a.queues[revision].load.last; got != 2*time.Second {
			t.Errorf("a start takes %v now, want 2s", got)
		}
	})
}

// Whatever comes between, nobody is lost, and everything is given back.
func TestHoldsThatComeAndGoUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{MaxWaiting: 50})
		revisions := []string{revision, newer}
		var group sync.WaitGroup
		var served, turnedAway, late atomic.Int32
		for i := range 300 {
			group.Go(func() {
				time.Sleep(time.Duration(i) * 37 * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%7)*time.Second)
				defer cancel()
				ticket, err := a.Admit(ctx, revisions[i%2])
				if err != nil {
					turnedAway.Add(1)
					return
				}
				defer func() { ticket.Leave() }()
				if err := ticket.Hold(int64(i)); err != nil {
					t.Error(err)
				}
				if i%5 == 0 { // its picture is long on the way
					time.Sleep(500 * time.Millisecond)
				}
				if i%11 == 0 {
					ticket.Aside()
				}
				lease, err := ticket.Wait(ctx)
				for n := i; errors.Is(err, ErrMoved); n++ {
					ticket.Leave()
					ticket = ticket.Again(revisions[n%2])
					lease, err = ticket.Wait(ctx)
				}
				if err != nil {
					if functions.KindOf(err) != functions.ColdStartTimeout && functions.KindOf(err) != functions.Busy {
						t.Error(err)
					}
					late.Add(1)
					return
				}
				time.Sleep(50 * time.Millisecond)
				lease.Release()
				served.Add(1)
			})
		}
		for i := range 20 {
			name := revisions[i%2]
			a.Publish(name, []Instance{instance(fmt.Sprintf("%s-%d", name, i), true, 2)})
			time.Sleep(300 * time.Millisecond)
			a.Hold(name)
			a.Publish(name, nil)
			time.Sleep(time.Duration(i) * 30 * time.Millisecond)
			a.Move(name)
		}
		group.Wait()
		t.Logf("%d served, %d turned away, %d late", served.Load(), turnedAway.Load(), late.Load())
		if served.Load() == 0 || a.in() != a.out() || a.waiting != 0 || a.Room.held != 0 {
			t.Errorf("%d came, %d left, %d wait, %d bytes are held", a.in(), a.out(), a.waiting, a.Room.held)
		}
		for _, name := range revisions {
			if q := a.queues[name]; q.present()+q.outside != 0 || q.held != 0 {
				t.Errorf("%s has %d requests, %d outside, %d bytes", name, q.present(), q.outside, q.held)
			}
		}
	})
}
