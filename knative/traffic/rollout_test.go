package traffic

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// aPlan looks at each step for a minute.
func aPlan(t *testing.T, guards string) Plan {
	t.Helper()
	g, err := ParseGuards(guards)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Plan{Steps: []int{10, 100}, Guards: g}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestAPlanIsWholeOrRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		plan    Plan
		refused string
	}{
		{"the default", Plan{}, ""},
		{"at once", Plan{Steps: []int{100}}, ""},
		{"steps that fall", Plan{Steps: []int{50, 25, 100}}, "do not ascend"},
		{"steps beyond all", Plan{Steps: []int{50, 150}}, "do not ascend"},
		{"steps from nothing", Plan{Steps: []int{0, 100}}, "do not ascend"},
		{"steps that stop half way", Plan{Steps: []int{5, 50}}, "has to be 100"},
		{"no time to look", Plan{Every: functions.Duration(time.Millisecond)}, "at least a second"},
		{"less patience than time", Plan{Every: functions.Duration(time.Minute), Patience: functions.Duration(time.Second)}, "patience"},
		{"a word for idle that is none", Plan{Idle: "perhaps"}, "go or stop"},
	} {
		_, err := tt.plan.WithDefaults()
		if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.refused)
		}
	}
}

func TestAVerdictHasItsReason(t *testing.T) {
	good, few := some(1000, 0, 0.1), some(3, 0, 0.1)
	for _, tt := range []struct {
		name   string
		change func(*Rollout, *Seen)
		move   Move
		reason string
	}{
		{"it waits its time", func(_ *Rollout, s *Seen) { s.Held = 59 * time.Second }, Wait, "59s of 1m0s"},
		{"it goes forward", func(*Rollout, *Seen) {}, Forward, "1000 requests, every guard kept"},
		{"it is done after the last step", func(r *Rollout, s *Seen) { r.Step = 1; s.State.Wanted = r.Targets(s.State) }, Finish, "every guard kept"},
		{"it goes back by a guard", func(_ *Rollout, s *Seen) { s.Canary = some(1000, 50, 0.1) }, Return, "errors is 4.76%"},
		{"it goes back before its time", func(_ *Rollout, s *Seen) { s.Held = time.Second; s.Canary = some(1000, 50, 0.1) }, Return, "errors"},
		{"it waits for requests", func(_ *Rollout, s *Seen) { s.Canary = few }, Wait, "3 of the 20 requests"},
		{"it goes back for want of requests", func(_ *Rollout, s *Seen) { s.Canary = few; s.Held = 5 * time.Minute }, Return, "too few to judge"},
		{"it goes on for want of requests, where it may", func(r *Rollout, s *Seen) {
			r.Plan.Idle, s.Canary, s.Held = IdleGo, few, 5*time.Minute
		}, Forward, "too few to judge"},
		{"it goes back where nobody tells how it does", func(_ *Rollout, s *Seen) { s.Deaf = 6 * time.Minute }, Return, "no gateway has told"},
		{"it does not go on unheard", func(r *Rollout, s *Seen) { r.Plan.Idle, s.Deaf = IdleGo, 4*time.Minute }, Wait, "no gateway tells"},
		{"it goes back from what does not come up", func(_ *Rollout, s *Seen) {
			s.State.Revisions[0].Ready, s.State.Revisions[0].Failed, s.State.Revisions[0].Reason = false, true, "The model cannot be read."
		}, Return, "eye-00002 does not come up: The model cannot be read"},
		{"it goes back from what is gone", func(_ *Rollout, s *Seen) { s.State.Revisions = s.State.Revisions[1:] }, Return, "is gone"},
		{
			"it goes back when another comes in between", func(_ *Rollout, s *Seen) { s.State.LatestCreated = "eye-00003" }, Return,
			"eye-00003 was deployed in the middle of the rollout of eye-00002",
		},
		{"it leaves what somebody else has changed", func(_ *Rollout, s *Seen) {
			s.State.Wanted = []Target{{Revision: "eye-00001", Percent: 50}, {Revision: "eye-00002", Percent: 50}}
		}, Leave, "somebody else"},
		{"a tag that somebody gives is no change of the split", func(_ *Rollout, s *Seen) {
			s.State.Wanted = append(s.State.Wanted, Target{Revision: "eye-00001", Tag: "old"})
		}, Forward, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Rollout{Plan: aPlan(t, "errors=1%"), Stable: "eye-00001", Canary: "eye-00002", Phase: Running}
			seen := Seen{State: two(t).state, Held: time.Minute, Stable: good, Canary: good}
			seen.State.Wanted = r.Targets(seen.State)
			tt.change(&r, &seen)
			v := r.Next(seen)
			if v.Move != tt.move || !strings.Contains(v.Reason, tt.reason) {
				t.Errorf("%+v; want %s because %q", v, tt.move, tt.reason)
			}
		})
	}
}

// Whatever is seen, in whatever order, what is asked of the cluster sums to a hundred.
func TestARolloutNeverLeavesASplitThatDoesNotSumToAHundred(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var steps []int
		for at := 0; at < 100; {
			at = min(100, at+1+random.IntN(60))
			steps = append(steps, at)
		}
		plan, err := Plan{Steps: steps, Idle: []string{IdleGo, IdleStop}[random.IntN(2)], Guards: aPlan(t, "errors=5%,p99<=1.2x").Guards}.WithDefaults()
		if err != nil {
			t.Fatal(err)
		}
		r := Rollout{Plan: plan, Stable: "eye-00001", Canary: "eye-00002", Phase: Running}
		s := two(t).state
		if random.IntN(2) == 0 {
			s.Wanted = append(s.Wanted, Target{Revision: "eye-00001", Tag: "old"})
		}
		last := 0
		for range 200 {
			targets := r.Targets(s)
			if err := Check(targets); err != nil {
				t.Fatalf("seed %d, %+v: %v", seed, r, err)
			}
			s.Wanted = targets
			if r.Phase != Running {
				break
			}
			if r.Percent() < last {
				t.Fatalf("seed %d: from %d %% to %d %% while it runs", seed, last, r.Percent())
			}
			last = r.Percent()
			seen := Seen{
				State: s, Held: time.Duration(random.IntN(400)) * time.Second, Deaf: time.Duration(random.IntN(310)) * time.Second,
				Stable: some(random.Uint64N(500), random.Uint64N(5), 0.1), Canary: some(random.Uint64N(500), random.Uint64N(8), 0.1),
			}
			seen.State.Revisions[0].Failed = random.IntN(40) == 0
			seen.State.Revisions[0].Ready = !seen.State.Revisions[0].Failed
			r = r.After(r.Next(seen), time.Now())
		}
		want := map[Phase]string{Done: r.Canary, Back: r.Stable}[r.Phase]
		if targets := r.Targets(s); want != "" && (targets[0].Revision != want || targets[0].Percent != 100) {
			t.Errorf("seed %d: %s ends with %+v", seed, r.Phase, targets)
		}
	}
}
