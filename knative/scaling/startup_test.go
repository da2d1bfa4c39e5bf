package scaling_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// story drives a StartupAware by hand.
type story struct {
	*scaling.StartupAware
	now     time.Time
	started int
}

func (s *story) tell(what scaling.What, instance int, took time.Duration) bool {
	return s.Tell(scaling.Event{What: what, At: s.now, Instance: instance, Took: took})
}

func (s *story) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *story) arrive(n int) (urgent bool) {
	for range n {
		urgent = s.tell(scaling.Arrived, -1, 0)
	}
	return urgent
}

func (s *story) leave(n int) {
	for range n {
		s.tell(scaling.Left, -1, 20*time.Millisecond)
	}
}

// start begins an instance; it is ready after load, or still loading where load is 0.
func (s *story) start(load time.Duration) {
	s.tell(scaling.Starting, s.started, 0)
	if load > 0 {
		s.pass(load)
		s.tell(scaling.Ready, s.started, load)
	}
	s.started++
}

func (s *story) wants(t *testing.T, instances int, why string) {
	t.Helper()
	if d := s.Decide(s.now); d.Instances != instances || !strings.Contains(d.Reason.String(), why) {
		t.Errorf("after %v: %d wanted (%s), not %d (%s)", s.now.Sub(began), d.Instances, d.Reason, instances, why)
	}
}

// measured is a function whose start is known to take 10 s and a request 20 ms, of
// which one instance is ready, an hour after the request that told so.
func measured(s functions.Scaling) *story {
	m := &story{StartupAware: scaling.NewStartupAware(s, began), now: began}
	m.arrive(1)
	m.Decide(m.now)
	m.start(10 * time.Second)
	m.leave(1)
	m.pass(time.Hour)
	return m
}

// crowd is a function of which nothing is known, and so many requests at once.
func crowd(t *testing.T, requests int) *story {
	t.Helper()
	m := &story{StartupAware: scaling.NewStartupAware(defaults(1), began), now: began}
	m.arrive(requests)
	m.wants(t, 1, "at zero")
	return m
}

// asleep is measured, gone to zero.
func asleep(s functions.Scaling) *story {
	m := measured(s)
	m.Decide(m.now)
	m.tell(scaling.Ended, 0, 0)
	m.Decide(m.now)
	return m
}

func TestStartupAware(t *testing.T) {
	for name, tell := range map[string]func(t *testing.T){
		"the first request at zero is urgent and wants one": func(t *testing.T) {
			m := asleep(defaults(1))
			if !m.arrive(1) {
				t.Error("the request is not urgent")
			}
			m.wants(t, 1, "at zero")
		},
		"one is wanted until times are measured, however many wait": func(t *testing.T) {
			m := crowd(t, 500)
			m.start(0)
			m.pass(scaling.Tick)
			m.wants(t, 1, "measurement")
		},
		"a crowd that waits while nothing is known is seen to as soon as times are measured": func(t *testing.T) {
			m := crowd(t, 1000)
			m.start(10 * time.Second)
			if !m.tell(scaling.Left, -1, 20*time.Millisecond) {
				t.Error("the first answer is not urgent")
			}
			m.wants(t, 10, "of 999 requests 499 would still wait")
			if m.tell(scaling.Left, -1, 20*time.Millisecond) {
				t.Error("so is the second")
			}
		},
		"an answer is known before its start is, and is seen to then": func(t *testing.T) {
			m := crowd(t, 1000)
			m.tell(scaling.Starting, 0, 0)
			m.pass(10 * time.Second)
			if m.tell(scaling.Left, -1, 20*time.Millisecond) {
				t.Error("an answer is urgent when nobody knows how long a start takes")
			}
			if !m.tell(scaling.Ready, 0, 10*time.Second) {
				t.Error("the first start that is over is not urgent")
			}
			m.wants(t, 10, "499 would still wait")
		},
		"a crowd that one instance clears is nothing to hurry for": func(t *testing.T) {
			m := crowd(t, 400)
			m.start(10 * time.Second)
			if m.tell(scaling.Left, -1, 20*time.Millisecond) {
				t.Error("the first answer is urgent")
			}
		},
		"waiting is no load: what the loading one will clear orders nothing": func(t *testing.T) {
			m := asleep(defaults(1))
			m.arrive(1)
			m.Decide(m.now)
			m.start(0)
			for range 50 {
				m.pass(200 * time.Millisecond)
				if m.arrive(1) {
					t.Errorf("request after %v is urgent", m.now.Sub(began))
				}
				m.wants(t, 1, "")
			}
		},
		"a crowd at zero orders at once what clears it within a tenth of a start": func(t *testing.T) {
			m := asleep(defaults(1))
			m.arrive(1)
			m.Decide(m.now)
			m.start(0)
			if !m.arrive(999) { // 1000 of 20 ms in 1 s
				t.Error("the crowd is not urgent")
			}
			m.wants(t, 20, "1000 would still wait when a start is over (10.0 s)")
		},
		"what a ready one clears before a start is over orders nothing": func(t *testing.T) {
			m := measured(defaults(1))
			m.arrive(500)
			m.Decide(m.now)
			m.wants(t, 1, "")
			m.arrive(500)
			m.wants(t, 10, "500 would still wait")
		},
		"a start that takes longer than ever counts as long as it takes": func(t *testing.T) {
			m := asleep(defaults(1))
			m.arrive(1)
			m.Decide(m.now)
			m.start(0)
			m.pass(40 * time.Second)
			m.arrive(2800)       // the loading one clears 2000 within another 40 s
			m.wants(t, 5, "801") // 801 within 4 s
		},
		"the load is rate x service time over places used to the target": func(t *testing.T) {
			m := measured(defaults(1))
			for range 700 {
				m.pass(100 * time.Millisecond)
				m.arrive(10)
				m.leave(10)
			}
			m.wants(t, 3, "keep 2.00 places busy, at 70 % utilisation of 1") // 2.0 / 0.7
		},
		"more places in an instance need fewer instances": func(t *testing.T) {
			m := measured(defaults(4))
			for range 700 {
				m.pass(100 * time.Millisecond)
				m.arrive(10)
				m.leave(10)
			}
			m.arrive(1)
			m.wants(t, 1, "utilisation of 4")
		},
		"instances go once fewer have been enough for two starts": func(t *testing.T) {
			m := measured(defaults(1))
			m.arrive(1000)
			m.wants(t, 10, "")
			m.leave(1000)
			m.pass(20 * time.Second)
			m.wants(t, 10, "were needed in the last 20 s")
			m.pass(time.Millisecond)
			m.wants(t, 1, "idle for 20 s")
		},
		"the last one is kept for the window while little is known": func(t *testing.T) {
			m := measured(defaults(1))
			m.arrive(1)
			m.Decide(m.now)
			m.leave(1)
			m.pass(59 * time.Second)
			m.wants(t, 1, "kept for 60 s")
			m.pass(time.Second)
			m.wants(t, 0, "cannot be foreseen")
		},
		"the last one is kept for as long as a start takes, and for the retention time": func(t *testing.T) {
			s := defaults(1)
			s.Window = functions.Duration(6 * time.Second)
			m := measured(s)
			m.arrive(1)
			m.Decide(m.now)
			m.leave(1)
			m.pass(9 * time.Second)
			m.wants(t, 1, "kept for 10 s")
			s.ScaleToZeroPodRetention = functions.Duration(5 * time.Minute)
			m = measured(s)
			m.arrive(1)
			m.Decide(m.now)
			m.leave(1)
			m.pass(299 * time.Second)
			m.wants(t, 1, "kept for 300 s")
		},
		"an instance that somebody started is kept for the window before its first request": func(t *testing.T) {
			m := &story{StartupAware: scaling.NewStartupAware(defaults(1), began), now: began}
			m.wants(t, 0, "ever")
			m.start(3 * time.Second)
			m.pass(59 * time.Second)
			m.wants(t, 1, "idle for 59 s")
			m.pass(time.Second)
			m.wants(t, 0, "")
		},
		"the function's bounds hold": func(t *testing.T) {
			s := defaults(1)
			s.MinScale, s.MaxScale = 1, 4
			m := measured(s)
			m.wants(t, 1, "minScale")
			m.arrive(5000)
			m.wants(t, 4, "90 would be needed")
		},
	} {
		t.Run(name, tell)
	}
}

// A function called every half hour is let go soon and woken in time.
func TestStartupAwareWakesBeforeTheNextRequestIsDue(t *testing.T) {
	m := measured(defaults(1))
	for range 12 {
		m.arrive(1)
		m.Decide(m.now)
		m.leave(1)
		m.pass(30*time.Minute + 10*time.Second)
	}
	m.arrive(1)
	m.Decide(m.now)
	m.leave(1)
	idle := m.now
	m.pass(59 * time.Second)
	m.wants(t, 1, "idle for 59 s")
	m.pass(time.Second)
	d := m.Decide(m.now)
	due := m.now.Add(d.Rest)
	// Half an hour, less a start and a tenth, less a tick.
	if want := idle.Add(30*time.Minute - 13*time.Second); d.Instances != 0 || !due.Equal(want) {
		t.Fatalf("%d wanted until %v, not 0 until %v: %s", d.Instances, due.Sub(idle), want.Sub(idle), d.Reason)
	}
	m.now = due
	m.wants(t, 1, "expected between 1800 s and 3660 s") // the hour before the first is one of 13
	m.now = idle.Add(61 * time.Minute)
	if d := m.Decide(m.now); d.Instances != 0 || d.Rest != scaling.Forever {
		t.Errorf("nobody came: %+v", d)
	}
}

// Where requests come whenever they like, waiting for the next costs more than a start.
func TestStartupAwareDoesNotWaitForWhatItCannotForesee(t *testing.T) {
	m := measured(defaults(1))
	for n := range 30 {
		m.arrive(1)
		m.Decide(m.now)
		m.leave(1)
		m.pass(time.Duration(2+n) * time.Minute)
	}
	m.arrive(1)
	m.Decide(m.now)
	m.leave(1)
	m.pass(time.Minute)
	m.wants(t, 0, "at a fair price")
}
