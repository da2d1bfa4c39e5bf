package traces_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/traces"
)

// The figures are those of the paper; the type's comment says which.
func TestAzureIsAsPublished(t *testing.T) {
	const n = 50_000
	a := traces.Azure{Functions: n, For: 24 * time.Hour, Seed: 1}
	var hourly, minutely, timers, fastTimers, bursty, short, minute int
	var memory []float64
	var all, popular, lowest, highest float64 = 0, 0, 1, 0
	for i := range n {
		f := a.Function(i)
		if f.Rate <= 1.0/3600*1.0001 {
			hourly++
		}
		if f.Rate <= 1.0/60*1.0001 {
			minutely++
		} else {
			popular += f.Rate
		}
		all += f.Rate
		lowest, highest = min(lowest, f.Rate), max(highest, f.Rate)
		switch f.Class {
		case traces.Timer:
			timers++
			if f.Rate > 1.0/60*1.0001 {
				fastTimers++
			}
		case traces.Bursty:
			bursty++
			if f.Variation <= 1 {
				t.Fatalf("%+v", f)
			}
		}
		if f.Execution < time.Second {
			short++
		}
		if f.Execution < time.Minute {
			minute++
		}
		memory = append(memory, float64(f.Memory)/1e6)
	}
	slices.Sort(memory)
	for _, figure := range []struct {
		name                string
		got, want, tolerant float64
	}{
		{"share with one an hour or less", float64(hourly) / n, 0.45, 0.02},
		{"share with one a minute or less", float64(minutely) / n, 0.81, 0.02},
		{"share of requests of the rest", popular / all, 0.996, 0.002},
		{"orders of magnitude of rates", math.Log10(highest / lowest), 8.5, 0.7},
		{"share with bursts", float64(bursty) / n, 0.4, 0.01},
		{"share of timers more often than once a minute", float64(fastTimers) / float64(timers), 0.02, 0.02},
		{"share of executions below a second", float64(short) / n, 0.56, 0.02},
		{"share of executions below a minute", float64(minute) / n, 0.97, 0.01},
		{"median memory, MB", memory[n/2], 135, 35},
		{"largest ninth decile of memory, MB", memory[n*9/10], 300, 100},
	} {
		if math.Abs(figure.got-figure.want) > figure.tolerant {
			t.Errorf("%s: %.4f, published %.4f", figure.name, figure.got, figure.want)
		}
	}
}

func TestAzureStreams(t *testing.T) {
	a := traces.Azure{Functions: 4000, For: 24 * time.Hour, Seed: 3}
	seen := map[traces.Class]int{}
	arrived, expected := 0.0, 0.0
	for n := range a.Functions {
		f := a.Function(n)
		if f.Rate > 0.4 {
			continue
		}
		once, again := collect(f.Stream()), collect(f.Stream())
		if !slices.Equal(once, again) {
			t.Fatalf("%s: two streams differ", f.Name)
		}
		if !slices.IsSorted(once) || len(once) > 0 && (once[0] < 0 || once[len(once)-1] >= a.For) {
			t.Fatalf("%s: arrivals out of order, or outside the day", f.Name)
		}
		arrived += float64(len(once))
		expected += f.Rate * 86400
		if len(once) < 2000 {
			continue
		}
		seen[f.Class]++
		// Of enough arrivals the coefficient of variation is as announced; the day's
		// course adds some to a steady one.
		if got := variation(once); f.Class == traces.Timer && got > 0.001 ||
			f.Class == traces.Steady && (got < 0.9 || got > 1.2) || f.Class == traces.Bursty && len(once) > 10_000 && math.Abs(got/f.Variation-1) > 0.35 {
			t.Errorf("%s, %s: the coefficient of variation is %.2f of %d, not %.2f", f.Name, f.Class, got, len(once), f.Variation)
		}
	}
	if seen[traces.Steady] < 10 || seen[traces.Bursty] < 10 {
		t.Errorf("only %v were looked at", seen)
	}
	if ratio := arrived / expected; ratio < 0.97 || ratio > 1.03 {
		t.Errorf("%.0f arrived where %.0f were expected", arrived, expected)
	}
}

func TestALargerPopulationBeginsWithTheSmaller(t *testing.T) {
	small, large := traces.Azure{Functions: 10, For: time.Hour, Seed: 2}, traces.Azure{Functions: 1000, For: time.Hour, Seed: 2}
	other := traces.Azure{Functions: 10, For: time.Hour, Seed: 3}
	for n := range 10 {
		if a, b := small.Function(n), large.Function(n); a != b || !slices.Equal(collect(a.Stream()), collect(b.Stream())) {
			t.Errorf("%+v and %+v", a, b)
		}
		if small.Function(n).Rate == other.Function(n).Rate && small.Function(n).Class != traces.Timer {
			t.Errorf("%d is the same for another seed", n)
		}
	}
}

func TestOfIsTheArrivals(t *testing.T) {
	want := []time.Duration{1, 1, 5}
	if got := collect(traces.Of(want)); !slices.Equal(got, want) {
		t.Error(got)
	}
}

func collect(s traces.Stream) (all []time.Duration) {
	for {
		at, more := s.Next()
		if !more {
			return all
		}
		all = append(all, at)
	}
}

func variation(arrivals []time.Duration) float64 {
	var sum, squares float64
	for n := range len(arrivals) - 1 {
		d := (arrivals[n+1] - arrivals[n]).Seconds()
		sum, squares = sum+d, squares+d*d
	}
	n := float64(len(arrivals) - 1)
	mean := sum / n
	return math.Sqrt(max(0, squares/n-mean*mean)) / mean
}
