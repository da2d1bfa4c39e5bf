package scaling

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestIdleTimes(t *testing.T) {
	for _, test := range []struct {
		name            string
		idles           func(add func(minutes float64))
		telling         bool
		soonest, latest time.Duration
	}{
		{"nine tell nothing", func(add func(float64)) {
			for range 9 {
				add(3)
			}
		}, false, 0, 0},
		{"the same again and again is expected within its minute", func(add func(float64)) {
			for range 10 {
				add(3.5)
			}
		}, true, 3 * time.Minute, 4 * time.Minute},
		{"one in twenty sooner and one in a hundred later are left out, and pauses within a burst", func(add func(float64)) {
			add(100)
			for range 1000 {
				add(0.5)
			}
			for range 4 {
				add(1)
			}
			for range 95 {
				add(10)
			}
		}, true, 10 * time.Minute, 11 * time.Minute},
		{"mostly longer than four hours tells nothing", func(add func(float64)) {
			for range 10 {
				add(3)
			}
			for range 11 {
				add(240)
			}
		}, false, 0, 0},
		{"anywhere within four hours tells nothing", func(add func(float64)) {
			r := rand.New(rand.NewPCG(1, 1))
			for range 2000 {
				add(240 * r.Float64())
			}
		}, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h idleTimes
			test.idles(func(minutes float64) { h.add(time.Duration(minutes * float64(time.Minute))) })
			if h.telling() != test.telling {
				t.Fatalf("telling: %v", h.telling())
			}
			if !test.telling {
				return
			}
			if soonest, latest := h.expected(); soonest != test.soonest || latest != test.latest {
				t.Errorf("between %v and %v, not %v and %v", soonest, latest, test.soonest, test.latest)
			}
		})
	}
}

func TestWhenIsNotHowOften(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for name, test := range map[string]struct {
		minutes    func() float64
		foreseeing bool
	}{
		"a steady stream says nothing, a request every two minutes": {func() float64 { return 1 + 2*r.ExpFloat64() }, false},
		"nor one every twenty minutes":                              {func() float64 { return 1 + 20*r.ExpFloat64() }, false},
		"anywhere from the first minute on says nothing":            {func() float64 { return 1 + 9*r.Float64() }, false},
		"between four and eight minutes says something":             {func() float64 { return 4 + 4*r.Float64() }, true},
		"half an hour, give or take a minute":                       {func() float64 { return 30 + r.NormFloat64() }, true},
		"half an hour, and now and then at once": {func() float64 {
			if r.IntN(30) == 0 {
				return 1
			}
			return 30
		}, true},
	} {
		var h idleTimes
		for range 300 {
			h.add(time.Duration(test.minutes() * float64(time.Minute)))
		}
		if got := h.foreseeing(); got != test.foreseeing || !h.telling() {
			t.Errorf("%s: foreseeing %v, telling %v", name, got, h.telling())
		}
	}
}
