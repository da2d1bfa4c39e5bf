package scaling

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// learned is a policy that has seen a request every half hour of a day.
func learned(t *testing.T) (*StartupAware, time.Time) {
	t.Helper()
	now := time.Unix(1_000_000, 0)
	p := NewStartupAware(functions.Function{}.WithDefaults().Spec.Scaling, now)
	tell := func(what What, took time.Duration) { p.Tell(Event{What: what, At: now, Took: took}) }
	for range 48 {
		tell(Arrived, 0)
		tell(Starting, 0)
		now = now.Add(4 * time.Second)
		tell(Ready, 4*time.Second)
		tell(Left, 50*time.Millisecond)
		tell(Ended, 0)
		now = now.Add(30 * time.Minute)
	}
	return p, now
}

func TestWhatWasMeasuredOutlivesThePlatform(t *testing.T) {
	old, now := learned(t)
	text, err := json.Marshal(old.Remember())
	if err != nil {
		t.Fatal(err)
	}
	var m Memory
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	young := NewStartupAware(old.scaling, now)
	if err := young.Recall(m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(old.Remember(), young.Remember()); diff != "" {
		t.Errorf("remembered and recalled: %s", diff)
	}
	if young.idles != old.idles || !young.idles.telling() {
		t.Errorf("the histogram is another: %+v", young.idles)
	}
	// A crowd at zero is ordered for at once: the first start need not measure again.
	for range 2000 {
		young.Tell(Event{What: Arrived, At: now})
	}
	young.Decide(now)
	young.Tell(Event{What: Starting, At: now})
	if d := young.Decide(now); d.Instances < 2 {
		t.Errorf("%d instances wanted for a crowd: %s", d.Instances, d.Reason)
	}
}

func TestWhatWasMeasuredBeforeAndSinceIsOne(t *testing.T) {
	old, now := learned(t)
	young := NewStartupAware(old.scaling, now)
	young.load.add(12 * time.Second)
	young.idles.add(90 * time.Second)
	if err := young.Recall(Memory{Load: Estimate{4, 3}, Idle: map[int]uint32{1: 2, 30: 5}, Beyond: 1}); err != nil {
		t.Fatal(err)
	}
	want := Memory{Load: Estimate{6, 4}, Idle: map[int]uint32{1: 3, 30: 5}, Beyond: 1}
	if diff := cmp.Diff(want, young.Remember()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhatCannotHaveBeenMeasuredIsRefusedWhole(t *testing.T) {
	good := Memory{Load: Estimate{1, 1}, Service: Estimate{1, 1}}
	for name, spoil := range map[string]func(*Memory){
		"a load time that is no number":       func(m *Memory) { m.Load.Seconds = math.NaN() },
		"a load time without end":             func(m *Memory) { m.Load.Seconds = math.Inf(1) },
		"a negative service time":             func(m *Memory) { m.Service.Seconds = -1 },
		"more samples than are remembered":    func(m *Memory) { m.Load.Samples = loadSamples + 1 },
		"half a sample":                       func(m *Memory) { m.Load.Samples = 0.5 },
		"an idle time beyond the histogram":   func(m *Memory) { m.Idle = map[int]uint32{240: 1} },
		"an idle time before it":              func(m *Memory) { m.Idle = map[int]uint32{-1: 1} },
		"a pause within a burst":              func(m *Memory) { m.Idle = map[int]uint32{0: 1} },
		"more idle times than are remembered": func(m *Memory) { m.Idle = map[int]uint32{1: mostIdles, 2: 1} },
		"a count that would overflow":         func(m *Memory) { m.Idle = map[int]uint32{1: math.MaxUint32} },
		"fewer than no idle times":            func(m *Memory) { m.Beyond = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := NewStartupAware(functions.Function{}.WithDefaults().Spec.Scaling, time.Unix(0, 0))
			m := good
			spoil(&m)
			if err := p.Recall(m); err == nil {
				t.Error("it was taken")
			}
			if diff := cmp.Diff(Memory{}, p.Remember()); diff != "" {
				t.Errorf("part of it was: %s", diff)
			}
		})
	}
}

func TestOldHabitsFade(t *testing.T) {
	var h idleTimes
	for range mostIdles {
		h.add(10 * time.Minute)
	}
	for range 3 * mostIdles {
		h.add(20 * time.Minute)
	}
	if h.within > mostIdles {
		t.Errorf("%d are remembered", h.within)
	}
	if soonest, latest := h.expected(); soonest != 20*time.Minute || latest != 21*time.Minute {
		t.Errorf("the next is expected between %v and %v, as of old", soonest, latest)
	}
	again := idleTimes{}
	for bin, count := range h.counts {
		again.put(bin, count)
	}
	if again.squares != h.squares || again.within != h.within {
		t.Errorf("the sums have gone astray: %v and %v, %d and %d", again.squares, h.squares, again.within, h.within)
	}
}
