package traffic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGuardsAreReadAndWritten(t *testing.T) {
	const text = "p99=300ms,p99.9=1.5s,cold=4s,errors=1%,refused=0.5%,p99<=1.2x,errors<=2x"
	guards, err := ParseGuards(text)
	if err != nil {
		t.Fatal(err)
	}
	var back []string
	for _, g := range guards {
		back = append(back, g.String())
	}
	if got := strings.Join(back, ","); got != text {
		t.Errorf("%s became %s", text, got)
	}
	kept, err := json.Marshal(guards)
	if err != nil {
		t.Fatal(err)
	}
	var again []Guard
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(guards, again); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoGuardIsRefused(t *testing.T) {
	for _, text := range []string{
		"p99", "p99=", "p99=1", "p99=-1s", "p0=1s", "p100=1s", "pNaN=1s", "errors=1", "errors=101%", "errors=NaN%",
		"speed=1s", "p99<=0x", "p99<=NaNx", "p99<=Infx", "cold=1%", "errors=1s",
	} {
		if g, err := ParseGuards(text); err == nil {
			t.Errorf("%q is %v", text, g)
		}
	}
}

func FuzzGuards(f *testing.F) {
	f.Add("p99=300ms,errors=1%,p99<=1.2x")
	f.Add("p1e1=1h,refused=1e-3%")
	f.Fuzz(func(t *testing.T, text string) {
		guards, err := ParseGuards(text)
		if err != nil {
			return
		}
		for _, g := range guards { // what is read means something, and can be kept
			if _, err := parseGuard(g.String()); err != nil && g.Most > 1e-6 {
				t.Errorf("%q became %q: %v", text, g, err)
			}
			if g.quantile() >= 1 || !(g.Most >= 0) {
				t.Errorf("%q is %+v", text, g)
			}
		}
	})
}

func TestAGuardLooksAtTheCanaryAndBesideTheStableOne(t *testing.T) {
	ok := some(100, 0, 0.1)
	for _, tt := range []struct {
		name, guard    string
		canary, stable Counts
		broken         string // "" where it is kept
	}{
		{"fast enough", "p99=300ms", some(100, 0, 0.2), ok, ""},
		{"too slow", "p99=300ms", some(100, 0, 0.4), ok, "p99 is 398ms, more than 300ms (of 100 requests)"},
		{"too slow, of too few", "p99=300ms", some(19, 0, 0.4), ok, ""},
		{"no errors", "errors=1%", ok, ok, ""},
		{"as many errors as are let pass", "errors=1%", some(99, 1, 0.1), ok, ""},
		{"too many errors", "errors=1%", some(98, 2, 0.1), ok, "errors is 2%, more than 1%"},
		{"nothing but errors", "errors=1%", some(0, 20, 0.1), ok, "errors is 100%"},
		{"refused", "refused=5%", Counts{OK: 50, Refused: 50}, ok, "refused is 50%"},
		{"as slow as the stable one", "p99<=1.2x", some(100, 0, 1.6), some(100, 0, 1.6), ""},
		{"slower than the stable one", "p99<=1.2x", some(100, 0, 0.2), ok, "more than 1.2 times the stable revision's 100ms"},
		{"slower than too few of the stable one", "p99<=1.2x", some(100, 0, 0.2), some(3, 0, 0.1), ""},
		{"cold starts are few and count soon", "cold=1s", Counts{OK: 3, Cold: some(3, 0, 1.6).Warm}, ok, "cold is 1.59s, more than 1s (of 3 requests)"},
		{"two cold starts say nothing", "cold=1s", Counts{OK: 2, Cold: some(2, 0, 1.6).Warm}, ok, ""},
		{"warm ones are no cold starts", "cold=1s", some(100, 0, 1.6), ok, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			guards, err := ParseGuards(tt.guard)
			if err != nil {
				t.Fatal(err)
			}
			got := guards[0].broken(tt.canary, tt.stable, 20)
			if (got == "") != (tt.broken == "") || !strings.Contains(got, tt.broken) {
				t.Errorf("broken: %q; want %q", got, tt.broken)
			}
		})
	}
}
