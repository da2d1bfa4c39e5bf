package scaling_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

func lambda(l functions.Lambda) functions.Scaling {
	f := functions.Function{Spec: functions.Spec{Scaling: functions.Scaling{Style: functions.StyleLambda, Lambda: l}}}
	return f.WithDefaults().Spec.Scaling
}

type lambdaStory struct {
	*testing.T
	policy scaling.Policy
	now    time.Time
	living int
}

func newLambdaStory(t *testing.T, l functions.Lambda) *lambdaStory {
	return &lambdaStory{t, scaling.New(lambda(l), began), began, 0}
}

func (s *lambdaStory) arrive() bool {
	return s.policy.Tell(scaling.Event{What: scaling.Arrived, At: s.now, Instance: -1})
}

func (s *lambdaStory) leave() {
	s.policy.Tell(scaling.Event{What: scaling.Left, At: s.now, Instance: -1, Took: time.Millisecond})
}

// decide does what the policy says, as a platform would.
func (s *lambdaStory) decide() scaling.Decision {
	d := s.policy.Decide(s.now)
	for ; s.living < d.Instances; s.living++ {
		s.policy.Tell(scaling.Event{What: scaling.Starting, At: s.now, Instance: s.living})
	}
	for ; s.living > d.Instances; s.living-- {
		s.policy.Tell(scaling.Event{What: scaling.Ended, At: s.now, Instance: s.living - 1})
	}
	return d
}

func (s *lambdaStory) wants(instances int, rest time.Duration, why string) {
	s.Helper()
	d := s.decide()
	if d.Instances != instances || d.Rest != rest || !strings.Contains(d.Reason.String(), why) {
		s.Errorf("after %v: %d wanted, rest %v (%s); want %d, %v (%s)", s.now.Sub(began), d.Instances, d.Rest, d.Reason, instances, rest, why)
	}
}

func TestLambda(t *testing.T) {
	const minute = time.Minute
	for name, tell := range map[string]func(*testing.T){
		"each request at a time wants an instance of its own, at once": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{})
			s.wants(0, scaling.Forever, "no request")
			for n := range 5 {
				if !s.arrive() {
					t.Errorf("request %d is not urgent", n)
				}
				s.wants(n+1, scaling.Forever, "each with an instance of its own")
			}
		},
		"an idle instance takes the next request, and no new one comes": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{})
			s.arrive()
			s.decide()
			s.leave()
			s.now = s.now.Add(minute)
			if s.arrive() {
				t.Error("a request for an idle instance is urgent")
			}
			s.wants(1, 5*minute, "")
		},
		"each instance is reclaimed when it has been idle for the keep-alive": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{KeepAlive: functions.Duration(5 * minute)})
			for range 3 {
				s.arrive()
			}
			s.decide()
			for range 3 { // the third is idle from 0, the second from 1 min, the first from 2 min
				s.leave()
				s.now = s.now.Add(minute)
			}
			s.wants(3, 2*minute, "0 requests now, 3 at a time 180 s ago; an idle instance is kept for 300 s")
			s.now = began.Add(5 * minute)
			s.wants(2, minute, "")
			s.now = began.Add(6 * minute)
			s.wants(1, minute, "")
			s.now = began.Add(7*minute - 1)
			s.wants(1, 1, "")
			s.now = began.Add(7 * minute)
			s.wants(0, scaling.Forever, "no request for the keep-alive of 300 s")
		},
		"an instance that failed is not begun again for nobody": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{})
			s.arrive()
			s.decide()
			s.policy.Tell(scaling.Event{What: scaling.Ended, At: s.now, Instance: 0})
			s.living--
			s.leave()
			s.wants(0, 6*minute, "")
			s.arrive()
			s.wants(1, 6*minute, "")
		},
		"one that is ready when its request has gone is kept all the same": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{})
			s.arrive()
			s.decide()
			s.leave()
			s.now = s.now.Add(minute)
			s.policy.Tell(scaling.Event{What: scaling.Ready, At: s.now, Instance: 0, Took: minute})
			s.wants(1, 6*minute, "")
		},
		"provisioned ones stay": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{ProvisionedConcurrency: 2})
			s.wants(2, scaling.Forever, "2 are kept initialised; 0 would do")
			for range 3 {
				s.arrive()
			}
			s.wants(3, scaling.Forever, "")
			for range 3 {
				s.leave()
			}
			s.now = s.now.Add(time.Hour)
			s.wants(2, scaling.Forever, "kept initialised")
		},
		"reserved concurrency bounds, and a request beyond it changes nothing": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{ReservedConcurrency: 2})
			for range 2 {
				s.arrive()
				s.decide()
			}
			if s.arrive() {
				t.Error("a request that may have no instance is urgent")
			}
			s.wants(2, scaling.Forever, "3 requests at a time; the concurrency allowed is 2")
		},
		"the account bounds where nothing is reserved": func(t *testing.T) {
			s := newLambdaStory(t, functions.Lambda{})
			for range 1500 {
				s.arrive()
			}
			s.wants(functions.LambdaAccountConcurrency, scaling.Forever, "allowed is 1000")
		},
	} {
		t.Run(name, tell)
	}
}

// The policy counts; here every instance is followed by itself: a request takes the
// idle one that was used last, or a new one, and each is reclaimed a keep-alive after
// its last request. On random traffic both have as many.
func TestLambdaEqualsInstancesFollowedOneByOne(t *testing.T) {
	const keep = time.Minute
	type followed struct {
		until time.Time // its newest request's end
		busy  bool
	}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		policy := scaling.New(lambda(functions.Lambda{KeepAlive: functions.Duration(keep)}), began)
		var instances []followed
		now, most := began, 0
		for range 400 {
			pause := []float64{0.2, 2, 40}[r.IntN(3)]
			now = now.Add(time.Duration(pause * r.ExpFloat64() * float64(time.Second)))
			// Requests that are over by now leave, in the order of their ends.
			slices.SortFunc(instances, func(a, b followed) int { return a.until.Compare(b.until) })
			for i := range instances {
				if instances[i].busy && !instances[i].until.After(now) {
					instances[i].busy = false
					policy.Tell(scaling.Event{What: scaling.Left, At: instances[i].until, Instance: -1})
				}
			}
			before := len(instances)
			instances = slices.DeleteFunc(instances, func(i followed) bool { return !i.busy && now.Sub(i.until) >= keep })
			got := policy.Decide(now).Instances
			for range before - got {
				policy.Tell(scaling.Event{What: scaling.Ended, At: now})
			}
			if got != len(instances) {
				t.Fatalf("seed %d, %v: the policy wants %d, there are %d", seed, now.Sub(began), got, len(instances))
			}
			policy.Tell(scaling.Event{What: scaling.Arrived, At: now, Instance: -1})
			newest := -1
			for i := range instances {
				if !instances[i].busy {
					newest = i // sorted: the last idle one was used last
				}
			}
			if newest < 0 {
				instances = append(instances, followed{})
				policy.Tell(scaling.Event{What: scaling.Starting, At: now})
				newest = len(instances) - 1
			}
			instances[newest] = followed{now.Add(time.Duration(r.ExpFloat64() * 5 * float64(time.Second))), true}
			most = max(most, len(instances))
			if got := policy.Decide(now).Instances; got != len(instances) {
				t.Fatalf("seed %d, %v: with a new request the policy wants %d, there are %d", seed, now.Sub(began), got, len(instances))
			}
		}
		if most < 3 {
			t.Errorf("seed %d is too tame: %d instances at most", seed, most)
		}
	}
}
