package coldstart

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheRoomTellsHowLongTheFirstInLineHasWaitedAndWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(&arrivals{}, Options{MaxBytes: 1000})
		is := func(oldest time.Duration, held int64) {
			t.Helper()
			gotHeld, most := r.Bytes()
			if got := r.Oldest(revision); got != oldest || gotHeld != held || most != 1000 {
				t.Errorf("oldest %v, %d bytes of %d; want %v, %d of 1000", got, gotHeld, most, oldest, held)
			}
		}
		is(0, 0)
		first, second := enter(t, r), enter(t, r)
		if err := first.Hold(300); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // their pictures are on the way
		is(0, 300)
		leases := make(chan *Lease)
		for _, ticket := range []*Ticket{first, second} {
			go func() { leases <- wait(t, ticket) }()
			time.Sleep(time.Second)
		}
		is(2*time.Second, 300)
		r.Publish(revision, []Instance{instance("a", true, 1)})
		(<-leases).Release()
		(<-leases).Release()
		is(0, 300)
		first.Leave()
		second.Leave()
		is(0, 0)
	})
}
