package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed45885407/saccade/functions"
)

// values are waits as they come: most are nothing, some microseconds, some minutes.
func values(n int, seed uint64) []time.Duration {
	r := rand.New(rand.NewPCG(seed, 1))
	all := make([]time.Duration, n)
	for i := range all {
		if r.IntN(3) > 0 {
			all[i] = time.Duration(math.Pow(10, 12*r.Float64()))
		}
	}
	return all
}

func collected(all []time.Duration) *times {
	var t times
	for _, d := range all {
		t.add(d)
	}
	return &t
}

func TestSpreads(t *testing.T) {
	for _, n := range []int{1, 2, 100, exactly, 3 * exactly, 200_000} {
		all := values(n, uint64(n))
		got := collected(all).spread(true)
		slices.Sort(all)
		zeros, _ := slices.BinarySearch(all, 1)
		exact := n-zeros < exactly
		for _, p := range []struct {
			tenths int
			got    functions.Seconds
		}{{500, got.P50}, {900, got.P90}, {950, got.P95}, {990, got.P99}, {999, got.P999}, {1000, got.Max}} {
			want := all[max(1, (n*p.tenths+999)/1000)-1]
			if off := time.Duration(p.got) - want; off < 0 || off > want/128+1 || exact && off != 0 {
				t.Errorf("of %d values the %.1f %% is %v, not %v", n, float64(p.tenths)/10, time.Duration(p.got), want)
			}
		}
		sum, counted := 0.0, int64(0)
		for _, d := range all {
			sum += float64(d)
		}
		if mean := sum / float64(n); math.Abs(float64(got.Mean)-mean) > 1+mean*1e-9 {
			t.Errorf("of %d values the mean is %v, not %v", n, time.Duration(got.Mean), time.Duration(mean))
		}
		last := functions.Seconds(-1)
		for _, bar := range got.Bars {
			if bar.UpTo <= last || bar.Count <= 0 {
				t.Errorf("of %d values a bar up to %v with %d comes after %v", n, bar.UpTo, bar.Count, last)
			}
			last = bar.UpTo
			counted += bar.Count
		}
		if counted != int64(n) || last != got.Max {
			t.Errorf("the bars have %d of %d values, up to %v of %v", counted, n, last, got.Max)
		}
	}
}

func TestManySpreadsAddUpToOne(t *testing.T) {
	var all []time.Duration
	var merged times
	for n, size := range []int{10, 5000, 0, 1, 3000, exactly} {
		part := values(size, uint64(n))
		all = append(all, part...)
		merged.merge(collected(part))
	}
	got, want := merged.spread(true), collected(all).spread(true)
	if off := got.Mean - want.Mean; off < -1 || off > 1 {
		t.Errorf("a mean of %v, not %v", got.Mean, want.Mean)
	}
	got.Mean = want.Mean
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Few values stay exact however many functions they come from.
	var few times
	few.merge(collected([]time.Duration{1e9 + 1}))
	few.merge(collected([]time.Duration{3e9 + 7, 0}))
	if s := few.spread(false); time.Duration(s.P50) != 1e9+1 || time.Duration(s.Max) != 3e9+7 || s.Bars != nil {
		t.Errorf("%+v", s)
	}
}

func TestDistributions(t *testing.T) {
	r := rand.NewPCG(1, 1)
	draws := func(d Distribution) (all []time.Duration) {
		for range 100_000 {
			all = append(all, d.draw(r))
		}
		slices.Sort(all)
		return all
	}
	normal := draws(LogNormal(time.Second, 0.5))
	// The quantiles of a normal distribution at 50 %, 84.13 % and 97.72 %.
	for share, want := range map[float64]float64{0.5: 1, 0.8413: math.Exp(0.5), 0.9772: math.Exp(1), 0.1587: math.Exp(-0.5)} {
		if got := normal[int(share*float64(len(normal)))].Seconds(); math.Abs(got/want-1) > 0.02 {
			t.Errorf("%.4f of the draws are below %.3f s, not %.3f s", share, got, want)
		}
	}
	if d := LogNormal(time.Second, 0.5); normal[0] < d.Least() || d.Least() <= 0 {
		t.Errorf("%v was drawn; the least is %v", normal[0], d.Least())
	}
	seen := map[time.Duration]int{}
	for _, d := range draws(Samples([]time.Duration{1, 5, 9, -1})) {
		seen[d]++
	}
	for _, want := range []time.Duration{0, 1, 5, 9} {
		if seen[want] < 24_000 || seen[want] > 26_000 {
			t.Errorf("of four samples: %v", seen)
		}
	}
	if got := Always(time.Second).Times(1.5); got.Least() != 1500*time.Millisecond || got.draw(r) != got.Least() {
		t.Errorf("%v", got)
	}
	if !(Distribution{}).IsZero() || !Samples(nil).IsZero() || Always(0).IsZero() {
		t.Error("what is a distribution, and what is none")
	}
}

func TestSpreadsThatAreJoinedAreThoseOfAllValues(t *testing.T) {
	one, other := values(300, 1), values(500, 2)
	got := Joined(collected(one).spread(true), Spread{}, collected(other).spread(true))
	if diff := cmp.Diff(collected(append(one, other...)).spread(true), got); diff != "" {
		t.Errorf("joined, and of all values:\n%s", diff)
	}
}
