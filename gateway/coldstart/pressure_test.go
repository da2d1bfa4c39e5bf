package coldstart

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// flood sends at a rate for a time and tells how long those that were let in waited,
// and how many were not.
func (a *asked) flood(rate float64, lasts, service time.Duration) (waits []time.Duration, refused int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	dice := rand.New(rand.NewPCG(3, 4))
	for began := time.Now(); time.Since(began) < lasts; {
		time.Sleep(time.Duration(dice.ExpFloat64() / rate * float64(time.Second)))
		ticket, err := a.admit(0)
		if err != nil {
			refused++
			if err.Kind != functions.Busy || err.RetryAfter < time.Second || err.RetryAfter > longestRetry {
				a.Errorf("refused with %+v", err)
			}
			continue
		}
		group.Go(func() {
			defer ticket.Leave()
			came := time.Now()
			lease, err := ticket.Wait(context.Background())
			if err != nil {
				a.Errorf("let in and turned away later: %v", err)
				return
			}
			mu.Lock()
			waits = append(waits, time.Since(came))
			mu.Unlock()
			time.Sleep(service)
			lease.Release()
		})
	}
	group.Wait()
	return waits, refused
}

func TestAtTenTimesTheCapacityNearlyNobodyWaitsLongerThanARequestTakes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		capacity int
		service  time.Duration
	}{
		{"one place of 50 ms", 1, 50 * time.Millisecond},
		{"two places of 50 ms", 2, 50 * time.Millisecond},
		{"eight places of 20 ms", 8, 20 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAsked(t, Options{})
				a.Publish(revision, []Instance{instance("a", true, tt.capacity)})
				for range 30 { // calm, and busy: that is no reason to let more of a flood in
					a.serve(tt.service)
				}
				capacity := float64(tt.capacity) / tt.service.Seconds()
				waits, refused := a.flood(10*capacity, time.Minute, tt.service)
				late := 0
				for _, wait := range waits {
					if wait > tt.service {
						late++
					}
				}
				t.Logf("%d of %d waited longer than %v, %d were turned away", late, len(waits), tt.service, refused)
				burst := max(burstRounds*tt.capacity, int(0.25*capacity))
				if late > burst {
					t.Errorf("%d of %d waited longer than %v; a burst are %d", late, len(waits), tt.service, burst)
				}
				if used := float64(len(waits)) / (60 * capacity); used < 0.9 {
					t.Errorf("only %.0f %% of the capacity was used", 100*used)
				}
				if refused == 0 {
					t.Error("nobody was turned away: the test has tested nothing")
				}
				// Well again at once: the next one is served, and a second later a burst is.
				a.serve(tt.service)
				time.Sleep(time.Second)
				for range tt.capacity * burstRounds {
					if _, err := a.admit(0); err != nil {
						t.Fatalf("a burst after the overload: %v", err)
					}
				}
			})
		})
	}
}

func TestWhatIsNoOverloadIsServed(t *testing.T) {
	// crowd is callers who each send their next request after the last one's answer.
	crowd := func(a *asked, callers, each int, service time.Duration) {
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for range each {
					ticket, err := a.admit(time.Minute)
					if err != nil {
						a.Errorf("turned away: %v", err)
						return
					}
					lease, waitErr := ticket.Wait(context.Background())
					if waitErr != nil {
						a.Errorf("waiting: %v", waitErr)
						return
					}
					time.Sleep(service)
					lease.Release()
					ticket.Leave()
				}
			})
		}
		group.Wait()
	}
	const service = 100 * time.Millisecond
	for _, tt := range []struct {
		name string
		do   func(a *asked)
	}{
		{"16 callers of a warm function with two places", func(a *asked) {
			a.Publish(revision, []Instance{instance("a", true, 2)})
			a.serve(service)
			crowd(a, 16, 100, service)
		}},
		{"40 at once from zero, one place, a slow start", func(a *asked) {
			go func() { time.Sleep(10 * time.Second); a.Publish(revision, []Instance{instance("a", true, 1)}) }()
			crowd(a, 40, 20, service)
		}},
		{"the same from zero again, when everything has been measured", func(a *asked) {
			a.coldStart(10*time.Second, service, 1)
			a.Publish(revision, nil)
			go func() { time.Sleep(10 * time.Second); a.Publish(revision, []Instance{instance("b", true, 1)}) }()
			crowd(a, 40, 20, service)
		}},
		{"a steady stream behind the pile of a cold start", func(a *asked) {
			a.coldStart(10*time.Second, service, 1)
			a.Publish(revision, nil)
			go func() { time.Sleep(10 * time.Second); a.Publish(revision, []Instance{instance("b", true, 1)}) }()
			if _, refused := a.flood(0.7/service.Seconds(), time.Minute, service); refused > 0 {
				a.Errorf("%d were turned away", refused)
			}
		}},
		{"a crowd while a second instance is on its way", func(a *asked) {
			a.coldStart(4*time.Second, service, 1)
			a.Publish(revision, []Instance{instance("a", true, 1), instance("b", false, 1)})
			crowd(a, 30, 1, service)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tt.do(newAsked(t, Options{})) })
		})
	}
}

func TestSlowUploadsDoNotKeepOthersOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.Publish(revision, []Instance{instance("a", true, 2)})
		a.serve(50 * time.Millisecond)
		var slow []*Ticket
		for range 100 {
			ticket, err := a.admit(0)
			if err != nil {
				t.Fatal(err)
			}
			slow = append(slow, ticket)
			time.Sleep(time.Second)
		}
		a.flood(10*2/0.05, 5*time.Second, 50*time.Millisecond)
		for range 10 {
			a.serve(50 * time.Millisecond)
		}
		// And when all come at once, they are judged like anybody: a burst is taken.
		var taken, refused int
		var group sync.WaitGroup
		var mu sync.Mutex
		for _, ticket := range slow {
			group.Go(func() {
				defer ticket.Leave()
				lease, err := ticket.Wait(t.Context())
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					refused++
					return
				}
				taken++
				time.AfterFunc(50*time.Millisecond, lease.Release)
			})
		}
		group.Wait()
		if taken < 2*burstRounds || taken+refused != 100 {
			t.Errorf("%d were taken, %d turned away", taken, refused)
		}
	})
}

func BenchmarkAdmitWaitReleaseLeave(b *testing.B) {
	room := New(&arrivals{}, Options{})
	room.Publish(revision, []Instance{instance("a", true, 2)})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	for b.Loop() {
		ticket, err := room.Admit(ctx, revision)
		if err != nil {
			b.Fatal(err)
		}
		lease, err := ticket.Wait(ctx)
		if err != nil {
			b.Fatal(err)
		}
		lease.Release()
		ticket.Leave()
	}
}

func BenchmarkTurningAway(b *testing.B) {
	room := New(&arrivals{}, Options{MaxWaiting: 200})
	room.Publish(revision, []Instance{instance("a", true, 2)})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	for range 200 {
		if _, err := room.Admit(ctx, revision); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := room.Admit(ctx, revision); err == nil {
			b.Fatal("let in")
		}
	}
}
