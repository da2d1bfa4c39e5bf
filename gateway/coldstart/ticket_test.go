package coldstart

import (
	"testing"
	"testing/synctest"
)

func TestARequestThatLostItsInstanceComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.Publish(revision, []Instance{instance("a", true, 1)})
		first, second := enter(t, a.Room), enter(t, a.Room)
		wait(t, first).Release()
		blocker := wait(t, enter(t, a.Room))
		order := make(chan *Ticket, 2)
		go func() { l, _ := second.Wait(t.Context()); order <- second; l.Release() }()
		synctest.Wait()
		go func() { l, _ := first.Wait(t.Context()); order <- first; l.Release() }()
		synctest.Wait()
		blocker.Release()
		if <-order != first {
			t.Error("it waited behind one that had not been served before")
		}
		<-order
	})
}

func TestAsideAndBackAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{MaxWaiting: 1})
		ticket := enter(t, a.Room)
		if err := ticket.Hold(5); err != nil {
			t.Fatal(err)
		}
		ticket.Aside()
		ticket.Aside()
		if a.out() != 1 || a.held != 5 {
			t.Errorf("the platform was told of %d departures, %d bytes are held; want 1, 5", a.out(), a.held)
		}
		enter(t, a.Room).Leave() // there is room for another
		go a.Publish(revision, []Instance{instance("a", true, 1)})
		wait(t, ticket).Release()
		ticket.Leave()
		if a.in() != 3 || a.out() != 3 || a.held != 0 || a.waiting != 0 {
			t.Errorf("%d came, %d left, %d bytes, %d waiting", a.in(), a.out(), a.held, a.waiting)
		}
	})
}

func TestATicketThatIsOutsideHasWokenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		ticket := a.Outside(revision)
		if err := ticket.Hold(7); err != nil || a.held != 7 || a.in() != 0 || a.Awake(revision) {
			t.Errorf("%v, %d bytes, %d arrivals, awake %v", err, a.held, a.in(), a.Awake(revision))
		}
		if err := ticket.Admit(t.Context()); err != nil || a.in() != 1 || !a.Awake(revision) {
			t.Errorf("%v, %d arrivals, awake %v", err, a.in(), a.Awake(revision))
		}
		ticket.Leave()
		if a.Awake(revision) || a.out() != 1 {
			t.Errorf("awake %v, %d left", a.Awake(revision), a.out())
		}
		stays := a.Outside(revision)
		a.Forget(revision)
		if len(a.queues) != 1 {
			t.Error("its revision was forgotten under it")
		}
		stays.Leave()
		if len(a.queues) != 0 || a.out() != 1 || a.held != 0 {
			t.Errorf("%d revisions, %d left, %d bytes", len(a.queues), a.out(), a.held)
		}
	})
}
