package drift

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

func TestTheStatisticsAreThoseOfTheirDefinitions(t *testing.T) {
	near(t, "ks of equal shares", ks([]uint32{1, 2, 3}, []uint32{10, 20, 30}), 0, 1e-12)
	near(t, "ks of all that is apart", ks([]uint32{5, 0, 0}, []uint32{0, 0, 9}), 1, 1e-12)
	near(t, "ks of a quarter moved up", ks([]uint32{4, 0, 4, 0}, []uint32{3, 0, 3, 2}), 0.25, 1e-12)
	near(t, "ks of nothing", ks([]uint32{0, 0}, []uint32{1, 2}), 0, 0)

	// By hand: shares 0.5, 0.5 and 0.7, 0.3: 0.2*ln(1.4) - 0.2*ln(0.6), halves of a count
	// aside.
	index, bins := psi([]uint32{50000, 50000, 0}, []uint32{70000, 30000, 0})
	near(t, "psi", index, 0.2*math.Log(1.4)-0.2*math.Log(0.6), 1e-4)
	near(t, "its bins", float64(bins), 2, 0)
	index, _ = psi([]uint32{100, 0}, []uint32{0, 100})
	if math.IsInf(index, 0) || index < 5 {
		t.Errorf("psi of all that is apart is %v", index)
	}

	// Critical values of tables: chi-square(9) at 0.001 is 27.877; sqrt(-ln(0.0005)/2) is
	// 1.9495.
	near(t, "psi by chance", psiByChance(100, 100, 10), 27.877*0.02, 0.005)
	near(t, "psi by chance of one bin", psiByChance(100, 100, 1), 0, 0)
	near(t, "ks by chance", ksByChance(500, 200), 1.9495*math.Sqrt(700./100000), 1e-4)
}

// What is called chance is no more than that: of pairs of samples of one distribution
// hardly any reach it, and those of a tenth as strict a bound do.
func TestChanceIsWhatSamplesOfOneDistributionReach(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	const pairs, n, m, bins = 3000, 300, 150, 11
	sample := func(size int) []uint32 {
		counts := make([]uint32, mostBins)
		for range size {
			counts[within(math.Abs(dice.NormFloat64())*4, bins)]++
		}
		return counts
	}
	var distances, indexes []float64
	for range pairs {
		a, b := sample(n), sample(m)
		distances = append(distances, ks(a, b))
		index, _ := psi(a, b)
		indexes = append(indexes, index)
	}
	for name, tt := range map[string]struct {
		reached []float64
		bound   float64
	}{"ks": {distances, ksByChance(n, m)}, "psi": {indexes, psiByChance(n, m, bins)}} {
		over := 0
		for _, v := range tt.reached {
			if v >= tt.bound {
				over++
			}
		}
		if over > pairs*4*chance {
			t.Errorf("%s: %d of %d pairs reach %v", name, over, pairs, tt.bound)
		}
		if most := slices.Max(tt.reached); most < tt.bound/2 {
			t.Errorf("%s: the bound, %v, is far beyond all that was reached, %v", name, tt.bound, most)
		}
	}
}

func TestTheMixIsOfTheMostCommonClasses(t *testing.T) {
	var reference, recent profile
	for c := range 30 {
		reference.classes[c+1] = uint32(100 - c)
		recent.classes[c+1] = 1
	}
	recent.classes[50] = 7 // new
	a, b, place := mix(&reference, &recent)
	if len(a) != mostMixed+1 || place[0] != 1 || place[mostMixed] != others {
		t.Fatalf("bins %v of classes %v", a, place)
	}
	if rest := b[mostMixed]; rest != 20+7 {
		t.Errorf("the others are %d, want 27", rest)
	}
	near(t, "all of them", total(a), reference.total(), 0)
	bin, before, after := moved([]uint32{50, 50, 0}, []uint32{50, 0, 50})
	if bin != 1 && bin != 2 || before+after != 0.5 {
		t.Errorf("bin %d moved from %v to %v", bin, before, after)
	}
}

func (p *profile) total() float64 { return total(p.classes[:]) }

func TestBinsCoverAllThereIs(t *testing.T) {
	for s, sig := range signals {
		if sig.bins > mostBins {
			t.Errorf("%s has %d bins", sig.name, sig.bins)
		}
		for b := range sig.bins {
			if got := sig.bin(sig.value(b)); got != b {
				t.Errorf("%s: the middle of bin %d, %v, is in bin %d", sig.name, b, sig.value(b), got)
			}
		}
		for _, v := range []float64{0, -1, 1e9, math.Inf(1), math.Inf(-1), math.NaN()} {
			var p profile
			p.count(s, v)
			if p.sum(s) != 1 {
				t.Errorf("%s: %v is in no bin", sig.name, v)
			}
		}
	}
}
