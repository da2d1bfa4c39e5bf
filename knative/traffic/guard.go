package traffic

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Guard is one thing that a canary has to keep: a percentile of how long its answers take
// or a share of its requests, in itself or beside the stable revision's. It is written as
// [ParseGuards] reads it.
type Guard struct {
	// Of is what is measured: p50, p99.9 and so on, of warm requests; cold, the p99 of
	// those that waited for a start; errors or refused, a share of all.
	Of string
	// Most is the bound: seconds, or a share of 0 to 1; with Beside how often the stable
	// revision's own.
	Most   float64
	Beside bool
}

// ParseGuards reads guards: p99=300ms,cold=4s,errors=1%,refused=5%,p99<=1.2x.
func ParseGuards(text string) ([]Guard, error) {
	var guards []Guard
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		g, err := parseGuard(part)
		if err != nil {
			return nil, err
		}
		guards = append(guards, g)
	}
	return guards, nil
}

func parseGuard(text string) (Guard, error) {
	refuse := functions.Errorf(functions.Invalid,
		"%.64q is no guard: write p99=300ms, cold=4s, errors=1%%, refused=5%%, or p99<=1.2x for so many times the stable revision's", text)
	of, bound, ok := strings.Cut(text, "=")
	if !ok {
		return Guard{}, refuse
	}
	of = strings.TrimSuffix(of, "<")
	g := Guard{Of: of}
	if !g.isTime() && !g.isShare() {
		return Guard{}, refuse
	}
	if times, is := strings.CutSuffix(bound, "x"); is {
		most, err := strconv.ParseFloat(times, 64)
		if err != nil || !(most > 0) || math.IsInf(most, 0) {
			return Guard{}, refuse
		}
		return Guard{Of: of, Most: most, Beside: true}, nil
	}
	if g.isTime() {
		d, err := time.ParseDuration(bound)
		if err != nil || d <= 0 {
			return Guard{}, refuse
		}
		g.Most = d.Seconds()
		return g, nil
	}
	percent, is := strings.CutSuffix(bound, "%")
	most, err := strconv.ParseFloat(percent, 64)
	if err != nil || !is || !(most >= 0 && most <= 100) {
		return Guard{}, refuse
	}
	g.Most = most / 100
	return g, nil
}

// isTime says that a duration is bounded, isShare a share of requests.
func (g Guard) isTime() bool  { return g.Of == "cold" || g.quantile() > 0 }
func (g Guard) isShare() bool { return g.Of == "errors" || g.Of == "refused" }

// quantile is 0.99 of p99 and of cold; 0 of what is no percentile.
func (g Guard) quantile() float64 {
	if g.Of == "cold" {
		return 0.99
	}
	digits, is := strings.CutPrefix(g.Of, "p")
	if !is {
		return 0
	}
	q, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(q > 0 && q < 100) {
		return 0
	}
	return q / 100
}

// String is the guard as it is written.
func (g Guard) String() string {
	switch {
	case g.Beside:
		return fmt.Sprintf("%s<=%gx", g.Of, g.Most)
	case g.isShare():
		return fmt.Sprintf("%s=%.4g%%", g.Of, g.Most*100)
	}
	return fmt.Sprintf("%s=%v", g.Of, seconds(g.Most))
}

// MarshalText writes the guard as [ParseGuards] reads it.
func (g Guard) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText reads one guard.
func (g *Guard) UnmarshalText(text []byte) (err error) {
	*g, err = parseGuard(string(text))
	return err
}

// measure is what the guard is about, and of how many requests.
func (g Guard) measure(c Counts) (value float64, samples uint64) {
	switch g.Of {
	case "errors":
		return share(c.Failed, c.All()), c.All()
	case "refused":
		return share(c.Refused, c.All()), c.All()
	case "cold":
		return c.Cold.Quantile(g.quantile()), c.Cold.Count()
	}
	return c.Warm.Quantile(g.quantile()), c.Warm.Count()
}

func share(of, all uint64) float64 {
	if all == 0 {
		return 0
	}
	return float64(of) / float64(all)
}

// broken says how the canary breaks the guard, "" where it keeps it or where that cannot
// be told by fewer than least requests of each that is looked at. A cold start is rare:
// of those one in ten of that will do, though no fewer than three.
func (g Guard) broken(canary, stable Counts, least uint64) string {
	if g.Of == "cold" {
		least = max(3, least/10)
	}
	value, samples := g.measure(canary)
	if samples < least {
		return ""
	}
	if !g.Beside {
		if value <= g.Most {
			return ""
		}
		return fmt.Sprintf("%s is %s, more than %s (of %d requests)", g.Of, g.show(value), g.show(g.Most), samples)
	}
	was, beside := g.measure(stable)
	if beside < least || value <= was*g.Most {
		return ""
	}
	return fmt.Sprintf("%s is %s, more than %g times the stable revision's %s (of %d and %d requests)",
		g.Of, g.show(value), g.Most, g.show(was), samples, beside)
}

// show writes a measured value.
func (g Guard) show(value float64) string {
	if g.isShare() {
		return fmt.Sprintf("%.3g%%", value*100)
	}
	return seconds(value).String()
}

// seconds is s to three digits or so.
func seconds(s float64) time.Duration {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
