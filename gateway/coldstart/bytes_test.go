package coldstart

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed45885407/saccade/functions"
)

func TestReservations(t *testing.T) {
	t.Run("bodies and pictures share the room's bytes", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxBytes: 100})
		body, err := room.Reserve(60)
		if err != nil {
			t.Fatal(err)
		}
		ticket := enter(t, room)
		err = ticket.Hold(41)
		if e, _ := errors.AsType[*functions.Error](err); e == nil || e.Kind != functions.Busy || e.RetryAfter <= 0 {
			t.Errorf("err = %+v, want busy and when to come back", err)
		}
		if err := ticket.Hold(40); err != nil {
			t.Error(err)
		}
		if _, err := room.Reserve(1); functions.KindOf(err) != functions.Busy {
			t.Errorf("err = %v, want busy", err)
		}
		body.Release()
		body.Release()
		if err := body.Resize(100); err != nil || room.held != 40 {
			t.Errorf("%v, %d bytes are held by what is over and the ticket; want 40", err, room.held)
		}
	})
	t.Run("one function leaves room for the others, but a single large picture fits", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxBytes: 100, MaxBytesOf: 50})
		large, small := enter(t, room), enter(t, room)
		if err := large.Hold(80); err != nil {
			t.Errorf("alone: %v", err)
		}
		if err := small.Hold(1); functions.KindOf(err) != functions.Busy {
			t.Errorf("err = %v, want busy", err)
		}
		other, err := room.Enter("ear-00001")
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Hold(20); err != nil {
			t.Errorf("another function: %v", err)
		}
		large.Leave()
		if err := small.Hold(1); err != nil {
			t.Error(err)
		}
	})
	t.Run("a reader reserves what comes, not what is announced", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxBytes: 300 << 10})
		hold, _ := room.Reserve(0)
		got, err := io.ReadAll(hold.Reader(iotest.OneByteReader(strings.NewReader(strings.Repeat("x", 70<<10)))))
		if err != nil || len(got) != 70<<10 || room.held < 70<<10 || room.held > 2*70<<10 {
			t.Errorf("%d bytes, %v, %d reserved", len(got), err, room.held)
		}
		second, _ := room.Reserve(0)
		_, err = io.ReadAll(second.Reader(strings.NewReader(strings.Repeat("x", 300<<10))))
		if functions.KindOf(err) != functions.Busy {
			t.Errorf("err = %v, want busy", err)
		}
		hold.Release()
		second.Release()
		if room.held != 0 {
			t.Errorf("%d bytes are held by nobody", room.held)
		}
	})
	t.Run("a ticket's reader reserves what comes, and its function's bound holds", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxBytes: 1 << 20, MaxBytesOf: 200 << 10})
		first, second := enter(t, room), enter(t, room)
		if err := first.Hold(1 << 10); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(first.Reader(strings.NewReader(strings.Repeat("x", 70<<10))))
		if err != nil || len(got) != 70<<10 || room.held < 70<<10 || room.held > 2*70<<10 {
			t.Errorf("%d bytes, %v, %d reserved", len(got), err, room.held)
		}
		_, err = io.ReadAll(second.Reader(strings.NewReader(strings.Repeat("x", 150<<10))))
		if functions.KindOf(err) != functions.Busy {
			t.Errorf("err = %v, want busy", err)
		}
		if err := first.Hold(70 << 10); err != nil { // all have come
			t.Error(err)
		}
		first.Leave()
		second.Leave()
		if room.held != 0 {
			t.Errorf("%d bytes are held by nobody", room.held)
		}
	})
	t.Run("all revisions together have a bound of requests", func(t *testing.T) {
		room := New(&arrivals{}, Options{MaxWaiting: 2, MaxWaitingAll: 3})
		for _, name := range []string{"a", "a", "b"} {
			if _, err := room.Enter(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := room.Enter("b"); functions.KindOf(err) != functions.Busy {
			t.Errorf("err = %v, want busy", err)
		}
	})
}
