package local

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

const second = time.Second

// tale is an instance with two slots, told step by step in virtual time.
type tale struct {
	*meter
	in     []func(bool) functions.Share
	shares []functions.Share
}

func (s *tale) enters() { s.in = append(s.in, s.occupy()) }

func (s *tale) leaves(answered bool) {
	s.shares = append(s.shares, s.in[0](answered))
	s.in = s.in[1:]
}

func TestAnInstancesTimeIsToldApart(t *testing.T) {
	held := functions.Held{CPU: 2}
	share := func(busy, start time.Duration) functions.Share {
		return functions.Share{Held: held, Busy: busy, Start: start}
	}
	for _, tt := range []struct {
		name   string
		tell   func(s *tale)
		want   functions.Usage
		shares []functions.Share
	}{
		{
			"one request of two slots is half the instance, the other half idles",
			func(s *tale) {
				time.Sleep(3 * second)
				s.becameReady()
				s.enters()
				time.Sleep(4 * second)
				s.leaves(true)
				time.Sleep(5 * second)
				s.ended()
				time.Sleep(100 * second)
			},
			functions.Usage{Starting: 3 * second, Busy: 2 * second, Idle: 7 * second, Starts: 1},
			[]functions.Share{share(2*second, 0)},
		},
		{
			"a request that is in is counted up to now",
			func(s *tale) {
				s.becameReady()
				s.enters()
				time.Sleep(4 * second)
			},
			functions.Usage{Busy: 2 * second, Idle: 2 * second, Starts: 1},
			nil,
		},
		{
			"those who wait in the instance share its start, to the nanosecond",
			func(s *tale) {
				s.enters()
				time.Sleep(3*second + 1)
				s.enters()
				s.becameReady()
				time.Sleep(2 * second)
				s.leaves(true)
				s.leaves(true)
			},
			functions.Usage{Starting: 3*second + 1, Busy: 2 * second, Starts: 1},
			[]functions.Share{share(second, 1500*time.Millisecond+1), share(second, 1500*time.Millisecond)},
		},
		{
			"who came after the start has no share of it",
			func(s *tale) {
				time.Sleep(3 * second)
				s.becameReady()
				s.enters()
				s.leaves(true)
			},
			functions.Usage{Starting: 3 * second, Starts: 1},
			[]functions.Share{share(0, 0)},
		},
		{
			"who left before the instance was ready has none, and the other has it all",
			func(s *tale) {
				s.enters()
				s.enters()
				time.Sleep(second)
				s.leaves(false)
				time.Sleep(second)
				s.becameReady()
				s.leaves(true)
			},
			functions.Usage{Starting: 2 * second, Starts: 1},
			[]functions.Share{share(0, 0), share(0, 2*second)},
		},
		{
			"an answer comes before the news that the instance is ready",
			func(s *tale) {
				s.enters()
				time.Sleep(2 * second)
				s.leaves(true)
				time.Sleep(second)
				s.becameReady()
			},
			functions.Usage{Starting: 2 * second, Idle: second, Starts: 1},
			[]functions.Share{share(0, 2*second)},
		},
		{
			"an instance that was never ready failed, and nobody pays for it",
			func(s *tale) {
				s.enters()
				time.Sleep(2 * second)
				s.ended()
				time.Sleep(second)
				s.concluded()
				s.leaves(true) // too late to say so
			},
			functions.Usage{Starting: 2 * second, Failed: 2 * second},
			[]functions.Share{share(0, 0)},
		},
		{
			"the news that it is ready comes when it is gone",
			func(s *tale) {
				time.Sleep(2 * second)
				s.ended()
				time.Sleep(second)
				s.becameReady()
				s.concluded()
				time.Sleep(second)
			},
			functions.Usage{Starting: 2 * second, Starts: 1},
			nil,
		},
		{
			"a request under which the instance died was there until then",
			func(s *tale) {
				s.becameReady()
				s.enters()
				time.Sleep(2 * second)
				s.ended()
				time.Sleep(second)
				s.leaves(false)
			},
			functions.Usage{Busy: second, Idle: second, Starts: 1},
			[]functions.Share{share(second, 0)},
		},
		{
			"frost is neither busy nor idle, and ends",
			func(s *tale) {
				s.froze() // it has not started: nothing to freeze
				time.Sleep(second)
				s.becameReady()
				time.Sleep(second)
				s.froze()
				s.froze()
				time.Sleep(10 * second)
				s.thawed()
				s.thawed()
				s.enters()
				time.Sleep(2 * second)
				s.leaves(true)
				s.froze()
				time.Sleep(10 * second)
				s.ended()
			},
			functions.Usage{Starting: second, Busy: second, Idle: 2 * second, Frozen: 20 * second, Starts: 1},
			[]functions.Share{share(second, 0)},
		},
		{
			"what two slots do not divide is told to the next",
			func(s *tale) {
				s.becameReady()
				for range 3 {
					s.enters()
					time.Sleep(3 * time.Nanosecond)
					s.leaves(true)
				}
			},
			functions.Usage{Busy: 4, Idle: 5, Starts: 1},
			[]functions.Share{share(1, 0), share(2, 0), share(1, 0)},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &tale{meter: newMeter("eye", held, 2)}
				tt.tell(s)
				tt.want.Function, tt.want.Held = "eye", held
				if diff := cmp.Diff(tt.want, s.usage()); diff != "" {
					t.Errorf("usage (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.shares, s.shares); diff != "" {
					t.Errorf("shares (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWhatAnInstanceHolds(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec functions.Spec
		want functions.Held
	}{
		{"what is bounded", functions.Spec{
			Runtime:   functions.Runtime{Parallel: 1, Threads: 1, Providers: []string{"cpu"}},
			Resources: functions.Resources{CPU: "500m", Memory: "512Mi"},
		}, functions.Held{CPU: 0.5, Memory: 512 << 20}},
		{"the core of its only run", functions.Spec{
			Runtime: functions.Runtime{Parallel: 1, Threads: 1},
		}, functions.Held{CPU: 1}},
		{"a GPU where it runs on nothing else", functions.Spec{
			Runtime: functions.Runtime{Parallel: 1, Threads: 1, Providers: []string{"tensorrt", "cuda"}},
		}, functions.Held{CPU: 1, GPUs: 1}},
		{"none where it may have fallen back", functions.Spec{
			Runtime: functions.Runtime{Parallel: 1, Threads: 1, Providers: []string{"cuda", "cpu"}},
		}, functions.Held{CPU: 1}},
	} {
		if diff := cmp.Diff(tt.want, held(functions.Function{Spec: tt.spec})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
