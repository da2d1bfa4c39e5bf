package traffic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

func TestARolloutGoesForwardOrBackByItself(t *testing.T) {
	type ends struct {
		phase  Phase
		shares []int
		reason string
	}
	for _, tt := range []struct {
		name  string
		with  func(*meter, *Plan)
		wants ends
	}{
		{"a revision that is as good takes over step by step", func(*meter, *Plan) {}, ends{Done, []int{5, 25, 50, 100}, "every guard kept"}},
		{
			"one that fails goes back at once", func(m *meter, _ *Plan) { m.fails = map[string]float64{"eye-00002": 0.5} },
			ends{Back, []int{5, 0}, "errors is"},
		},
		{"one that is slow goes back", func(m *meter, _ *Plan) { m.slow = map[string]float64{"eye-00002": 1} }, ends{Back, []int{5, 0}, "p99 is 1.59s, more than 300ms"}},
		{"one that nobody asks for goes back, in the end", func(m *meter, _ *Plan) { m.rate = 0 }, ends{Back, []int{5, 0}, "too few to judge"}},
		{"or forward, where that is wished", func(m *meter, p *Plan) { m.rate = 0; p.Idle = IdleGo }, ends{Done, []int{5, 25, 50, 100}, "too few"}},
		{"one that nobody can watch goes back", func(m *meter, p *Plan) { m.deaf = true }, ends{Back, []int{5, 0}, "no gateway has told"}},
		{"a cluster that is away for a while is waited for", func(m *meter, _ *Plan) {
			m.onRead = func(c *cluster) {
				if c.canary == "eye-00002" && c.state.Percent("eye-00002") == 25 && c.version == 3 {
					c.away, c.version = 10, 4 // somebody has labelled the Service besides
				}
			}
		}, ends{Done, []int{5, 25, 50, 100}, ""}},
		{"a revision that dies in the middle is left", func(m *meter, _ *Plan) {
			m.onRead = func(c *cluster) {
				if c.state.Percent("eye-00002") == 50 {
					c.revision("eye-00002").Ready, c.revision("eye-00002").Failed = false, true
				}
			}
		}, ends{Back, []int{5, 25, 50, 0}, "does not come up"}},
		{"one that comes in between ends it", func(m *meter, _ *Plan) {
			m.onRead = func(c *cluster) {
				if c.state.Percent("eye-00002") == 25 {
					c.state.LatestCreated = "eye-00003"
				}
			}
		}, ends{Back, []int{5, 25, 0}, "eye-00003 was deployed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &meter{cluster: two(t), rate: 50}
				plan := Plan{Guards: aPlan(t, "p99=300ms,errors=1%").Guards}
				tt.with(m, &plan)
				var lines told
				err := (&Runner{Cluster: m, Pods: m, Meter: m, Tell: lines.tell}).Start(t.Context(), "eye", plan)
				back, returned := errors.AsType[*Returned](err)
				if returned != (tt.wants.phase == Back) || !returned && err != nil {
					t.Fatalf("it ended with %v", err)
				}
				if returned && !strings.Contains(back.Error(), tt.wants.reason) {
					t.Errorf("it says %v", back)
				}
				r := m.rollout()
				if r.Phase != tt.wants.phase || !strings.Contains(r.Reason, tt.wants.reason) {
					t.Errorf("kept: %s because %q", r.Phase, r.Reason)
				}
				if diff := cmp.Diff(tt.wants.shares, m.changed[:len(tt.wants.shares)]); diff != "" {
					t.Errorf("shares: %v", m.changed)
				}
				if !lines.has("eye-00002 gets 5 % of the requests, eye-00001 95 %") {
					t.Errorf("told: %q", lines.lines)
				}
			})
		})
	}
}

func TestAnInterruptedRolloutStaysAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{cluster: two(t), rate: 50}
		r := &Runner{Cluster: m, Pods: m, Meter: m}
		stop, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(91*time.Second, interrupt) // between two looks at the cluster
		err := r.Start(stop, "eye", Plan{})
		if !errors.Is(err, ErrLeft) || !strings.Contains(err.Error(), "stopped at 25 %") || !strings.Contains(err.Error(), "--resume") {
			t.Fatalf("interrupted: %v", err)
		}
		if got := m.state.Percent("eye-00002"); got != 25 || m.rollout().Phase != Running {
			t.Fatalf("the canary has %d %%, the rollout is %s", got, m.rollout().Phase)
		}
		if err := r.Start(t.Context(), "eye", Plan{}); functions.KindOf(err) != functions.Conflict {
			t.Errorf("a second rollout beside the first: %v", err)
		}
		if err := r.Set(t.Context(), "eye", Wish{Shares: []Share{{"stable", 100}}}); functions.KindOf(err) != functions.Conflict {
			t.Errorf("a split beside the rollout: %v", err)
		}
		if err := r.Resume(t.Context(), "eye"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{5, 25, 50, 100, 100}, m.changed); diff != "" {
			t.Error(diff)
		}
		if err := r.Resume(t.Context(), "eye"); functions.KindOf(err) != functions.Conflict {
			t.Errorf("going on with what is over: %v", err)
		}
	})
}

func TestAnAbortedRolloutIsWithTheStableRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{cluster: two(t), rate: 50}
		r := &Runner{Cluster: m, Pods: m, Meter: m}
		stop, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, interrupt)
		if err := r.Start(stop, "eye", Plan{}); !errors.Is(err, ErrLeft) {
			t.Fatal(err)
		}
		if err := r.Abort(t.Context(), "eye"); err != nil {
			t.Fatal(err)
		}
		if m.state.Stable() != "eye-00001" || m.state.Percent("eye-00001") != 100 || m.rollout().Phase != Aborted {
			t.Errorf("%+v, %s", m.state.Targets, m.rollout().Phase)
		}
		if err := r.Abort(t.Context(), "eye"); functions.KindOf(err) != functions.Conflict {
			t.Errorf("aborting what is over: %v", err)
		}
	})
}

func TestASplitThatSomebodyElseHasChangedIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{cluster: two(t), rate: 50}
		r := &Runner{Cluster: m, Pods: m, Meter: m}
		theirs := []Target{{Revision: "eye-00001", Percent: 60}, {Revision: "eye-00002", Percent: 40}}
		time.AfterFunc(30*time.Second, func() {
			m.cluster.mu.Lock()
			defer m.cluster.mu.Unlock()
			m.state.Wanted, m.state.Targets = theirs, theirs
			m.version++
		})
		if err := r.Start(t.Context(), "eye", Plan{}); !errors.Is(err, ErrLeft) || !strings.Contains(err.Error(), "somebody else") {
			t.Fatalf("it ended with %v", err)
		}
		if diff := cmp.Diff(theirs, m.state.Wanted); diff != "" || m.rollout().Phase != Aborted {
			t.Errorf("%s\n%s", m.rollout().Phase, diff)
		}
	})
}

func TestARolloutIsRefusedWhereThereIsNothingToRollOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*State)
		says   string
	}{
		{"the newest has everything", func(s *State) { s.Targets = []Target{{Revision: "eye-00002", Percent: 100}} }, "saccade traffic eye stable=100"},
		{"nobody has anything", func(s *State) { s.Targets = nil }, "nothing to roll out from"},
		{"the newest does not come up", func(s *State) {
			s.Revisions[0].Ready, s.Revisions[0].Failed, s.Revisions[0].Reason = false, true, "The image is not there."
		}, "eye-00002 does not come up: The image is not there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := two(t)
			tt.change(&c.state)
			err := (&Runner{Cluster: c, Pods: c}).Start(t.Context(), "eye", Plan{})
			if functions.KindOf(err) != functions.Conflict || !strings.Contains(err.Error(), tt.says) || c.version != 1 {
				t.Errorf("%v; want %q, and nothing changed", err, tt.says)
			}
		})
	}
	if err := (&Runner{Cluster: two(t)}).Start(t.Context(), "ear", Plan{}); functions.KindOf(err) != functions.NotFound {
		t.Errorf("a function that is not there: %v", err)
	}
}

func TestARolloutWaitsForARevisionThatStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &meter{cluster: two(t), rate: 50}
		m.revision("eye-00002").Ready = false
		time.AfterFunc(20*time.Second, func() {
			m.cluster.mu.Lock()
			defer m.cluster.mu.Unlock()
			m.revision("eye-00002").Ready = true
		})
		var lines told
		if err := (&Runner{Cluster: m, Pods: m, Meter: m, Tell: lines.tell}).Start(t.Context(), "eye", Plan{Steps: []int{100}}); err != nil {
			t.Fatal(err)
		}
		if !lines.has("eye-00002 is not ready yet") || m.state.Percent("eye-00002") != 100 {
			t.Errorf("%q, %+v", lines.lines, m.state.Targets)
		}
	})
}

func TestARollbackGoesWhereItWasBefore(t *testing.T) {
	for _, tt := range []struct {
		name, to string
		change   func(*State)
		want     string // "" where it is refused
	}{
		{"to the one before", "", func(s *State) { s.Targets = []Target{{Revision: "eye-00002", Percent: 100}} }, "eye-00001"},
		{"to a revision by name", "eye-00002", func(*State) {}, "eye-00002"},
		{"past one that is not ready", "", func(s *State) {
			s.Revisions = append([]Revision{{Name: "eye-00003", Ready: true}}, s.Revisions...)
			s.Revisions[1].Ready = false
			s.Targets = []Target{{Revision: "eye-00003", Percent: 100}}
		}, "eye-00001"},
		{"to where the rollout began", "", func(s *State) {
			s.Revisions = append([]Revision{{Name: "eye-00003", Ready: true}}, s.Revisions...)
			s.Targets = []Target{{Revision: "eye-00003", Percent: 100}}
			s.Annotations = Rollout{Stable: "eye-00001", Canary: "eye-00003", Phase: Done}.annotations()
		}, "eye-00001"},
		{"there is none before", "", func(*State) {}, ""},
		{"to nobody", "eye-00009", func(*State) {}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := two(t)
			tt.change(&c.state)
			got, err := (&Runner{Cluster: c}).Rollback(t.Context(), "eye", tt.to)
			if tt.want == "" {
				if k := functions.KindOf(err); k != functions.Conflict && k != functions.NotFound || c.version != 1 {
					t.Errorf("%s, %v", got, err)
				}
				return
			}
			if err != nil || got != tt.want || c.state.Percent(got) != 100 {
				t.Errorf("%s, %v, %+v", got, err, c.state.Targets)
			}
		})
	}
}
