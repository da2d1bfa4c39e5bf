package coldstart

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func TestARequestThatNeverReachedItsInstanceMayGoToOthersWithoutEnd(t *testing.T) {
	for _, tt := range []struct {
		name string
		how  Loss
		want int
	}{
		{"never reached", Unreached, 20},
		{"broken under it", Broken, maxLosses},
		{"crashed under it", Crashed, maxCrashes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ticket := enter(t, New(&arrivals{}, Options{}))
			retries := 0
			for range 20 {
				life := NewLife()
				life.Lose(tt.how)
				if !ticket.MayRetry(t.Context(), &Lease{Instance: Instance{Life: life}}) {
					break
				}
				retries++
			}
			if retries != tt.want {
				t.Errorf("%d retries, want %d", retries, tt.want)
			}
		})
	}
}

func TestAnAnswerTellsOfAStartThatTheInstanceDoesNotKnowOf(t *testing.T) {
	start := functions.Start{Load: functions.Millis(time.Second)}
	ledger := Remote{Ledger: func() functions.Start { return start }}
	for _, tt := range []struct {
		name   string
		lease  Lease
		answer functions.Answer
		cold   bool
		want   functions.Start
	}{
		{"a warm one", Lease{Instance: Instance{Remote: ledger}}, functions.Answer{}, false, functions.Start{}},
		{"it waited for the instance", Lease{Instance: Instance{Remote: ledger}, woken: true}, functions.Answer{}, true, start},
		{"it waited on its way", Lease{Instance: Instance{Remote: ledger}, Cold: true}, functions.Answer{}, true, start},
		{
			"the instance says it itself",
			Lease{Instance: Instance{Remote: ledger}, Cold: true},
			functions.Answer{Cold: true, Start: functions.Start{Load: 1}},
			true,
			functions.Start{Load: 1},
		},
		{
			"a process of this machine",
			Lease{Instance: Instance{Pull: 5}, Cold: true},
			functions.Answer{Cold: true, Start: functions.Start{Load: 1}},
			true,
			functions.Start{Pull: 5, Load: 1},
		},
	} {
		answer := tt.answer
		tt.lease.Account(&answer)
		if answer.Cold != tt.cold || answer.Start != tt.want {
			t.Errorf("%s: cold %v, %+v", tt.name, answer.Cold, answer.Start)
		}
	}
}

func TestLeasesOfAnInstanceAreCountedAlsoWhenItIsWithdrawn(t *testing.T) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("a", true, 2)})
	lease, err := enter(t, room).Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := room.Leases(revision, "a"); got != 1 {
		t.Errorf("%d leases, want 1", got)
	}
	room.Publish(revision, nil)
	if got := room.Leases(revision, "a"); got != 1 {
		t.Errorf("%d leases once withdrawn, want 1", got)
	}
	lease.Release()
	if got := room.Leases(revision, "a") + room.Leases("ear", "a"); got != 0 {
		t.Errorf("%d leases, want none", got)
	}
}
