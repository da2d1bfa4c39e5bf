package report

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/seed45885407/saccade/contrast/simulate"
)

// What a page can show.
const (
	maxTraces = 12
	maxStyles = 6 // as many as there are colours
)

// Check says all that does not fit together at once.
func (in Input) Check() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if n := len(in.Traces); n < 1 || n > maxTraces {
		fault("%d traces; a report has 1 to %d", n, maxTraces)
	}
	if n := len(in.styles()); n > maxStyles {
		fault("%d styles; a report has %d at most", n, maxStyles)
	}
	seen := map[string]bool{}
	for _, trace := range in.Traces {
		if seen[trace.Name] {
			fault("the trace %q is there twice", trace.Name)
		}
		seen[trace.Name] = true
		if len(trace.Styles) == 0 {
			fault("the trace %q has no style", trace.Name)
		}
		names := map[string]bool{}
		for _, style := range trace.Styles {
			where := trace.Name + ", " + style.Name
			if style.Name == "" || names[style.Name] {
				fault("%s: a style without a name, or there twice", where)
			}
			names[style.Name] = true
			if style.Result.Requests < 1 || style.Result.For <= 0 {
				fault("%s: %d requests in %v s", where, style.Result.Requests, style.Result.For.Seconds())
			}
			for _, p := range style.Result.Series {
				if sum := p.Busy + p.Idle + p.Loading + p.Waiting; !(min(p.Busy, p.Idle, p.Loading, p.Waiting) >= 0 && finite(sum)) || p.Arrivals < 0 {
					fault("%s: the series has %v instances and requests at %v s", where, sum, p.At.Seconds())
					break
				}
			}
			checkBars(fault, where, style.Result.Latency.Bars, style.Result.Requests)
			checkBars(fault, where+", cold", style.cold(), style.Result.Cold)
			checkUsage(fault, where, style.Usage)
		}
	}
	for i, rate := range in.Sweep {
		if !(rate.PerSecond > 0) || math.IsInf(rate.PerSecond, 0) || i > 0 && rate.PerSecond <= in.Sweep[i-1].PerSecond {
			fault("the sweep's rates do not rise: %v", rate.PerSecond)
		}
		if len(rate.Styles) == 0 || !slices.EqualFunc(rate.Styles, in.Sweep[0].Styles, sameName) {
			fault("the sweep has not the same styles at %v as at its first rate", rate.PerSecond)
		}
		for _, style := range rate.Styles {
			if style.Usage.Requests < 1 {
				fault("the sweep at %v, %s: no requests", rate.PerSecond, style.Name)
			}
			checkUsage(fault, fmt.Sprintf("the sweep at %v, %s", rate.PerSecond, style.Name), style.Usage)
		}
	}
	for _, knobs := range in.Knobs {
		if len(knobs.Variants) == 0 || knobs.Variants[0].Knob != "" {
			fault("the knobs of %s on %s: no run to compare with comes first", knobs.Style, knobs.Trace)
		}
		for _, v := range knobs.Variants {
			if !(v.Cost > 0 && v.Cost <= maxPrice) || v.P99 < 0 {
				fault("the knobs of %s on %s: %s %s costs %v and takes %v s", knobs.Style, knobs.Trace, v.Knob, v.Value, float64(v.Cost), v.P99.Seconds())
			}
		}
	}
	for _, v := range in.Validation {
		if !finite(v.Live) || !finite(v.Simulated) || !finite(v.Low) || !finite(v.High) {
			fault("the validation of %s, %s, %s: %v live, %v simulated", v.Trace, v.Style, v.Measure, v.Live, v.Simulated)
		}
	}
	errs = append(errs, in.Prices.Check())
	return errors.Join(errs...)
}

func sameName(a, b RateStyle) bool { return a.Name == b.Name }

// checkBars asks that a distribution is there whole or not at all: the page would show
// shares of something else.
func checkBars(fault func(string, ...any), where string, bars []simulate.Bar, values int64) {
	if len(bars) == 0 {
		return
	}
	var sum int64
	for i, bar := range bars {
		sum += bar.Count
		if bar.Count < 0 || bar.UpTo < 0 || i > 0 && bar.UpTo < bars[i-1].UpTo {
			fault("%s: the distribution falls at %v s", where, bar.UpTo.Seconds())
			return
		}
	}
	if sum != values {
		fault("%s: the distribution has %d values of %d", where, sum, values)
	}
}

func checkUsage(fault func(string, ...any), where string, u Usage) {
	if u.Tariff != "" && u.Tariff != PerInstance && u.Tariff != PerRequest {
		fault("%s: there is no tariff %q", where, u.Tariff)
	}
	if min(u.Work, u.Idle, u.Start, u.Kept) < 0 || u.Requests < 0 || u.Kept > u.Work ||
		!(u.Held.CPU >= 0 && finite(u.Held.CPU)) || u.Held.Memory < 0 || !(u.Held.GPUs >= 0 && finite(u.Held.GPUs)) {
		fault("%s: a usage of less than nothing", where)
	}
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// withUsage fills what may be left out.
func (in Input) withUsage() Input {
	in.Subject = cmp.Or(in.Subject, "startup-aware")
	in.Traces = slices.Clone(in.Traces)
	for t := range in.Traces {
		styles := slices.Clone(in.Traces[t].Styles)
		for i := range styles {
			s := &styles[i]
			s.Label = cmp.Or(s.Label, label(s.Name))
			s.Usage.Tariff = cmp.Or(s.Usage.Tariff, tariff(s.Name))
			if s.Usage.Work+s.Usage.Idle+s.Usage.Start == 0 {
				s.Usage = UsageOf(s.Result, s.Usage.Tariff, s.Usage.Held)
			}
		}
		in.Traces[t].Styles = styles
	}
	in.Sweep = slices.Clone(in.Sweep)
	for r := range in.Sweep {
		styles := slices.Clone(in.Sweep[r].Styles)
		for i := range styles {
			styles[i].Usage.Tariff = cmp.Or(styles[i].Usage.Tariff, tariff(styles[i].Name))
		}
		in.Sweep[r].Styles = styles
	}
	return in
}

func tariff(style string) Tariff {
	if style == "lambda" {
		return PerRequest
	}
	return PerInstance
}

// label is a style's name with a capital: Startup-aware.
func label(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	if size == 0 || first == utf8.RuneError {
		return name
	}
	return string(unicode.ToUpper(first)) + name[size:]
}

// styles are the names of all styles, in the order in which they first come. A style's
// place in it is its colour.
func (in Input) styles() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, trace := range in.Traces {
		for _, style := range trace.Styles {
			add(style.Name)
		}
	}
	for _, rate := range in.Sweep {
		for _, style := range rate.Styles {
			add(style.Name)
		}
	}
	return names
}

// colour is the name of a style's ink.
func (in Input) colour(style string) string {
	return fmt.Sprintf("s%d", max(0, slices.Index(in.styles(), style)))
}

// labelOf is what the reader sees of a style.
func (in Input) labelOf(style string) string {
	for _, trace := range in.Traces {
		for _, s := range trace.Styles {
			if s.Name == style && s.Label != "" {
				return s.Label
			}
		}
	}
	return label(style)
}
