package coldstart

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/seed45885407/saccade/functions"
)

// turns writes down what it is told.
type turns struct {
	name string
	all  *[]string
}

func (t turns) Busy() { *t.all = append(*t.all, t.name+" busy") }
func (t turns) Idle() { *t.all = append(*t.all, t.name+" idle") }

func binding(name string, ready bool, all *[]string) Instance {
	i := instance(name, ready, 1)
	i.Binds, i.Turns = true, turns{name, all}
	return i
}

func TestARequestIsBoundToAnInstanceThatStartsThoughAnotherIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		room := New(&arrivals{}, Options{})
		a, b := binding("a", true, &told), binding("b", false, &told)
		room.Publish(revision, []Instance{b, a})
		first, second := enter(t, room), enter(t, room)
		inA, inB := wait(t, first), wait(t, second)
		if inA.Name != "a" || inA.Cold || inB.Name != "b" || !inB.Cold {
			t.Errorf("the first is in %s, the second in %s; want the idle one, then the starting one", inA.Name, inB.Name)
		}
		inA.Release()
		first.Leave()
		third := enter(t, room)
		lease := wait(t, third)
		if lease.Name != "a" {
			t.Errorf("the third is in %s", lease.Name)
		}
		lease.Release()
		third.Leave()
		inB.Release()
		second.Leave()
		if want := []string{"a busy", "b busy", "a idle", "a busy", "a idle", "b idle"}; !slices.Equal(told, want) {
			t.Errorf("told were %v, want %v", told, want)
		}

		t.Log("of idle ones the one used last is taken")
		room.Publish(revision, []Instance{a, binding("b", true, &told)})
		fourth := enter(t, room)
		if lease = wait(t, fourth); lease.Name != "b" {
			t.Errorf("the fourth is in %s", lease.Name)
		}

		t.Log("one that was withdrawn is not told that it is idle: it leaves")
		told = nil
		room.Publish(revision, []Instance{a})
		lease.Release()
		fourth.Leave()
		<-room.Drained(revision, "b")
		if len(told) != 0 {
			t.Errorf("told were %v", told)
		}
	})
}

func TestAWaiterTakesOverWithoutAnIdleMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		room := New(&arrivals{}, Options{})
		room.Publish(revision, []Instance{binding("a", true, &told)})
		first, second := enter(t, room), enter(t, room)
		lease := wait(t, first)
		next := make(chan *Lease, 1)
		go func() {
			lease, _ := second.Wait(t.Context())
			next <- lease
		}()
		synctest.Wait()
		lease.Release()
		(<-next).Release()
		first.Leave()
		second.Leave()
		if told[0] != "a busy" || told[len(told)-1] != "a idle" || slices.Contains(told[1:len(told)-1], "a idle") {
			t.Errorf("told were %v, want no idle in between", told)
		}
	})
}

func TestABoundedRevisionHasNoQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := New(&arrivals{}, Options{})
		room.Bound(revision, 2)
		a, b := enter(t, room), enter(t, room)
		_, err := room.Enter(revision)
		if e, ok := err.(*functions.Error); !ok || e.Kind != functions.Busy || e.RetryAfter <= 0 {
			t.Errorf("a third: %v, want busy with a time to come back", err)
		}
		a.Leave()
		a = enter(t, room)
		a.Leave()
		b.Leave()
		room.Bound(revision, 0)
		for range 10 {
			defer enter(t, room).Leave()
		}
	})
}
