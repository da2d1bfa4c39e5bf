package coldstart

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// asked is a Room with a platform that counts, and what its tests do with it.
type asked struct {
	*testing.T
	*Room
	platform *arrivals
}

func newAsked(t *testing.T, opts Options) *asked {
	platform := &arrivals{}
	return &asked{t, New(platform, opts), platform}
}

func (a *asked) in() int { a.platform.mu.Lock(); defer a.platform.mu.Unlock(); return a.platform.in }

func (a *asked) out() int { a.platform.mu.Lock(); defer a.platform.mu.Unlock(); return a.platform.out }

// admit asks with a time to be answered in; 0 is none.
func (a *asked) admit(within time.Duration) (*Ticket, *functions.Error) {
	a.Helper()
	ctx, cancel := context.Background(), func() {}
	if within != 0 {
		ctx, cancel = context.WithTimeout(ctx, within)
	}
	defer cancel()
	ticket, err := a.Admit(ctx, revision)
	if err == nil {
		return ticket, nil
	}
	e, ok := errors.AsType[*functions.Error](err)
	if !ok {
		a.Fatalf("refused with %v, which no caller may read", err)
	}
	return nil, e
}

// serve is a whole request that is with an instance for so long.
func (a *asked) serve(service time.Duration) {
	a.Helper()
	ticket, err := a.admit(0)
	if err != nil {
		a.Fatal(err)
	}
	defer ticket.Leave()
	lease, waitErr := ticket.Wait(context.Background())
	if waitErr != nil {
		a.Fatal(waitErr)
	}
	time.Sleep(service)
	lease.Release()
}

// coldStart is a function's first request: a start of load, then service.
func (a *asked) coldStart(load, service time.Duration, capacity int) {
	a.Helper()
	ticket, err := a.admit(0)
	if err != nil {
		a.Fatal(err)
	}
	time.Sleep(load)
	a.Publish(revision, []Instance{instance("a", true, capacity)})
	lease, _ := ticket.Wait(context.Background())
	time.Sleep(service)
	lease.Release()
	ticket.Leave()
}

func TestARequestThatWouldBeAnsweredTooLateIsTurnedAwayAtOnce(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		before func(*asked)
		within time.Duration
		kind   functions.Kind // "" is let in
		retry  time.Duration
		wakes  bool
	}{
		{"nothing has been measured: let in", func(*asked) {}, ms, "", 0, true},
		{"a deadline that is over", func(*asked) {}, -ms, functions.TooShort, 0, false},
		{"warm and idle, in time", func(a *asked) { a.coldStart(2*time.Second, 100*ms, 1) }, 200 * ms, "", 0, true},
		{"warm and idle, but the last ones took longer", func(a *asked) {
			a.coldStart(2*time.Second, 100*ms, 1)
			a.serve(200 * ms)
		}, 150 * ms, functions.TooShort, time.Second, false},
		{"warm and idle, and the last one took no longer", func(a *asked) {
			a.coldStart(2*time.Second, 200*ms, 1)
			a.serve(100 * ms)
		}, 150 * ms, "", 0, true},
		{
			"impossible however warm, so nothing to come back for", func(a *asked) { a.coldStart(2*time.Second, 100*ms, 1) },
			ms, functions.TooShort, 0, false,
		},
		{"at zero: woken, to be warm when it comes back", func(a *asked) {
			a.coldStart(4*time.Second, 100*ms, 1)
			a.Publish(revision, nil)
		}, time.Second, functions.TooShort, 5150 * ms, true},
		{"at zero and in time", func(a *asked) {
			a.coldStart(4*time.Second, 100*ms, 1)
			a.Publish(revision, nil)
		}, 7 * time.Second, "", 0, true},
		{"at zero and impossible: nothing is woken", func(a *asked) {
			a.coldStart(4*time.Second, 100*ms, 1)
			a.Publish(revision, nil)
		}, ms, functions.TooShort, 0, false},
		{"half way into a start it is the other half that counts", func(a *asked) {
			a.coldStart(4*time.Second, 100*ms, 1)
			a.Publish(revision, []Instance{instance("b", false, 1)})
			time.Sleep(4 * time.Second)
		}, 2500 * ms, "", 0, true},
		{"behind others it is their time too", func(a *asked) {
			a.coldStart(4*time.Second, 100*ms, 1)
			for range 5 {
				if _, err := a.admit(0); err != nil {
					t.Fatal(err)
				}
			}
		}, 500 * ms, functions.TooShort, time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAsked(t, Options{})
				tt.before(a)
				in := a.in()
				ticket, err := a.admit(tt.within)
				if tt.kind == "" {
					if err != nil {
						t.Fatalf("refused: %v", err)
					}
					ticket.Leave()
				} else if err == nil || err.Kind != tt.kind || err.RetryAfter != tt.retry {
					t.Errorf("refused with %+v; want %s, to come back in %v", err, tt.kind, tt.retry)
				}
				if woke := a.in() > in; woke != tt.wakes {
					t.Errorf("the platform was told: %v, want %v", woke, tt.wakes)
				}
				time.Sleep(time.Hour)
				if a.in()-a.out() > 5 {
					t.Errorf("%d came and %d left", a.in(), a.out())
				}
			})
		})
	}
}

func TestARequestThatCameTooLateForAColdStartKeepsTheFunctionWantedUntilItComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAsked(t, Options{})
		a.coldStart(4*time.Second, 100*time.Millisecond, 1)
		a.Publish(revision, nil)
		_, err := a.admit(time.Second)
		if err == nil || a.in()-a.out() != 1 {
			t.Fatalf("refused with %v; the platform counts %d", err, a.in()-a.out())
		}
		for range 100 { // a crowd of them is one
			if _, err := a.admit(time.Second); err == nil {
				t.Fatal("let in before the start is over")
			}
		}
		if n := a.in() - a.out(); n != 1 {
			t.Errorf("the platform counts %d", n)
		}
		time.Sleep(4 * time.Second)
		a.Publish(revision, []Instance{instance("b", true, 1)})
		time.Sleep(err.RetryAfter - 4*time.Second)
		ticket, again := a.admit(time.Second)
		if again != nil {
			t.Fatalf("refused once more: %v", again)
		}
		ticket.Leave()
		time.Sleep(time.Minute)
		if n := a.in() - a.out(); n != 0 {
			t.Errorf("the platform counts %d for ever", n)
		}
	})
}

func TestAFunctionThatWasSlowOnceMayProveThatItNoLongerIs(t *testing.T) {
	t.Run("while it is warm, after a second without news", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, Options{})
			a.coldStart(time.Second, 100*time.Millisecond, 1)
			for range 10 {
				a.serve(5 * time.Second) // the machine was busy with something else
			}
			if _, err := a.admit(time.Second); err == nil {
				t.Fatal("let in although the last ones took 5 s")
			}
			refused := 0
			for ; refused < 1000; refused++ {
				time.Sleep(10 * time.Millisecond)
				ticket, err := a.admit(time.Second)
				if err != nil {
					continue
				}
				lease, _ := ticket.Wait(t.Context())
				time.Sleep(100 * time.Millisecond)
				lease.Release()
				ticket.Leave()
				if a.queues[revision].service.slow(time.Now()) < 900*time.Millisecond {
					break
				}
			}
			if refused == 1000 {
				t.Error("it never got the chance")
			}
		})
	})
	t.Run("at zero, by and by", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, Options{})
			a.coldStart(time.Second, 10*time.Second, 1) // the only one ever
			a.Publish(revision, nil)
			in := a.in()
			for a.in() == in {
				if _, err := a.admit(3 * time.Second); err == nil {
					break
				}
				time.Sleep(time.Minute)
				if a.in() > in+1 {
					t.Fatal("it was woken more than once")
				}
			}
		})
	})
	t.Run("but impossible deadlines do not keep it warm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, Options{})
			a.coldStart(time.Second, 100*time.Millisecond, 1)
			a.Publish(revision, nil)
			in, woken := a.in(), 0
			for range 24 * 60 * 60 {
				if ticket, err := a.admit(10 * time.Millisecond); err == nil {
					ticket.Leave()
				}
				if a.in() > in { // it starts, and goes when nobody comes
					a.Publish(revision, []Instance{instance("b", false, 1)})
					time.Sleep(time.Second)
					a.Publish(revision, []Instance{instance("b", true, 1)})
					a.Publish(revision, nil)
					woken++
				}
				in = a.in()
				time.Sleep(time.Second)
			}
			if woken > 48 {
				t.Errorf("a day of deadlines of 10 ms woke the function %d times", woken)
			}
			t.Logf("woken %d times a day", woken)
		})
	})
	t.Run("and what failed fast proves nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := newAsked(t, Options{})
			a.coldStart(time.Second, 100*time.Millisecond, 1)
			for range 100 {
				ticket, err := a.admit(0)
				if err != nil {
					t.Fatal(err)
				}
				lease, _ := ticket.Wait(t.Context())
				time.Sleep(time.Microsecond)
				lease.Failed()
				lease.Release()
				ticket.Leave()
			}
			if got := a.queues[revision].service.mean; got != 100*time.Millisecond {
				t.Errorf("the service time is %v now, want 100 ms still", got)
			}
		})
	})
}
