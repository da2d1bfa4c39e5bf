package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// points is how many steps a figure over time has.
const points = 240

// mostRate is how many requests a second the replays may have at their peak: the share
// asked for of what the slowest style was measured to do.
func (c *contrast) mostRate() float64 {
	least := math.Inf(1)
	for _, style := range c.styles {
		best := 0.0
		for n, pace := range style.measured.Pace {
			best = max(best, float64(n+1)*pace/middle(style.measured.Service).Seconds())
		}
		least = min(least, best)
	}
	return c.share * least
}

// replay plays a trace against each style.
func (c *contrast) replay(ctx context.Context, trace traces.Trace) error {
	plan, err := replay.NewPlan(trace, replay.PlanOptions{Compress: c.compress, Longest: c.longest, MostRate: c.mostRate(), Seed: c.seed})
	if err != nil {
		return err
	}
	c.say("\n%s, time pressed together by %g, from %v on: %d requests in %v, %.0f %% of what came",
		plan.Trace, plan.Compress, plan.From, len(plan.Arrivals), plan.For.Round(time.Second), 100*plan.Kept)
	told := report.Trace{Name: fmt.Sprintf("%s, live at %g times the pace", trace.Name, plan.Compress)}
	for n, style := range c.styles {
		if busy := busyness(); busy != "" {
			c.say("  %-14s load average before: %s", style.name, busy)
		}
		before, after := style, style
		if err := c.measureLive(ctx, &before); err != nil {
			return fmt.Errorf("measuring %s in style %s: %w", c.function, style.name, err)
		}
		var outcome replay.Outcome
		err := c.opener(style.name)(ctx, 0, func(ctx context.Context, stage replay.Stage) (err error) {
			outcome, err = replay.Run(ctx, stage, plan, replay.Options{})
			return err
		})
		if err != nil {
			return fmt.Errorf("playing %s in style %s: %w", trace.Name, style.name, err)
		}
		if err := c.measureLive(ctx, &after); err != nil {
			return fmt.Errorf("measuring %s in style %s: %w", c.function, style.name, err)
		}
		if err := c.keep(trace.Name, style, outcome); err != nil {
			return err
		}
		live := outcome.Result(int(plan.For/replay.DefaultEvery) + 1)
		live.Policy, live.Seed = style.name, c.seed
		told.Styles = append(told.Styles, report.Style{
			Name: style.name, Live: true, Result: live, Phases: phases(outcome.Starts()),
			Usage: report.UsageOf(live, tariff(style.own), style.measured.Instance),
		})
		c.tell(outcome, live)
		c.played = append(c.played, played{trace.Name, n, outcome, []simulate.Measured{before.measured, after.measured}})
	}
	c.in.Traces = append(c.in.Traces, told)
	return nil
}

// keep writes what was seen: a line for each request, and one for each look.
func (c *contrast) keep(trace string, style contrastStyle, o replay.Outcome) error {
	name := fmt.Sprintf("live/%s-%s-", strings.ReplaceAll(fileName(trace), " ", "-"), style.name)
	for suffix, write := range map[string]func(io.Writer) error{"requests.csv": o.WriteRequests, "samples.csv": o.WriteSamples} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			return err
		}
		if err := c.write(name+suffix, text.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// fileName is text without what separates folders.
func fileName(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, text)
}

// played is a replay of a trace in a style.
type played struct {
	trace   string
	style   int // its place in contrast.styles
	outcome replay.Outcome
	// beside is what was measured right before it and right after: a machine is seldom as
	// fast at the end of the command as at its beginning.
	beside []simulate.Measured
}

// tell tells what a replay came to.
func (c *contrast) tell(o replay.Outcome, live simulate.Result) {
	for kind, n := range o.Refused() {
		c.say("    %d requests had no answer: %s", n, kind)
	}
	if late := o.Latest(); late > 50*time.Millisecond {
		c.say("    the machine was busy: a request left %v after its time", late.Round(time.Millisecond))
	}
	c.say("    %d answered, p50 %s, p95 %s, %d cold, %d starts, %.1f instance-seconds", live.Requests,
		brief(live.Latency.P50), brief(live.Latency.P95), live.Cold, live.Starts, live.Instances.Seconds())
}

// seeds is how often what was played is simulated, with other luck each time. What was
// played is one draw of many: it is held against the middle of those.
const seeds = 21

// validate simulates what was played, with all that was measured in the style, at the
// speed of right before the replay and right after it.
func (c *contrast) validate() error {
	for n := range c.styles {
		all := []simulate.Measured{c.styles[n].measured}
		for _, p := range c.played {
			if p.style == n {
				all = append(all, p.beside...)
			}
		}
		c.styles[n].measured = replay.Pooled(all...)
	}
	for _, p := range c.played {
		style := c.styles[p.style]
		measured := replay.Around(style.measured, p.beside...)
		var simulated []simulate.Result
		for n := range uint64(seeds) {
			result, err := p.outcome.Simulate(measured, style.live, c.instances, 0, c.seed+n)
			if err != nil {
				return err
			}
			simulated = append(simulated, result)
		}
		c.compare(p.trace, style.name, p.outcome.Result(0), simulated)
	}
	c.validation()
	return c.writeMeasured()
}

// compare notes what the simulation made of the same arrivals.
func (c *contrast) compare(trace, style string, live simulate.Result, simulated []simulate.Result) {
	for _, m := range []struct {
		measure, unit string
		of            func(simulate.Result) float64
	}{
		{"p50", "s", func(r simulate.Result) float64 { return r.Latency.P50.Seconds() }},
		{"p95", "s", func(r simulate.Result) float64 { return r.Latency.P95.Seconds() }},
		{"cold starts", "", func(r simulate.Result) float64 { return float64(r.Starts) }},
		{"instance-seconds", "s", func(r simulate.Result) float64 { return r.Instances.Seconds() }},
	} {
		var all []float64
		for _, r := range simulated {
			all = append(all, m.of(r))
		}
		slices.Sort(all)
		c.in.Validation = append(c.in.Validation, report.Validation{
			Trace: trace, Style: style, Measure: m.measure, Unit: m.unit, Live: m.of(live), Simulated: all[len(all)/2],
			Low: all[1], High: all[len(all)-2],
		})
	}
}

func brief(s functions.Seconds) string {
	return time.Duration(s).Round(100 * time.Microsecond).String()
}

// validation tells how near the simulation came.
func (c *contrast) validation() {
	c.say("\nThe same arrivals, live and simulated:\n")
	c.say("| trace | style | measure | live | simulated | off by | its runs |\n|---|---|---|--:|--:|--:|--:|")
	within, lucky := 0, 0
	for _, v := range c.in.Validation {
		off := off(v)
		switch {
		case math.Abs(off) <= 0.1:
			within++
		case v.Low <= v.Live && v.Live <= v.High:
			lucky++
		}
		c.say("| %s | %s | %s | %.4g | %.4g | %+.1f %% | %.4g to %.4g |", v.Trace, v.Style, v.Measure, v.Live, v.Simulated, 100*off, v.Low, v.High)
	}
	told := fmt.Sprintf("Of %d figures that were measured live and simulated of the same arrivals, %d are within 10 %% of each other; "+
		"of the others %d lie where nineteen of twenty-one simulated runs do.", len(c.in.Validation), within, lucky)
	c.say("\n%s", told)
	c.in.Origin.Notes = append(c.in.Origin.Notes, told)
}

func off(v report.Validation) float64 {
	switch {
	case v.Live == v.Simulated:
		return 0
	case v.Live == 0:
		return 1
	}
	return v.Simulated/v.Live - 1
}

// phases are the ledger over all starts.
func phases(starts []functions.Start) []report.Phase {
	byName := map[string][]time.Duration{}
	var names []string
	for _, start := range starts {
		for name, took := range start.Phases() {
			if len(byName[name]) == 0 {
				names = append(names, name)
			}
			byName[name] = append(byName[name], time.Duration(took))
		}
	}
	var all []report.Phase
	for _, name := range names {
		all = append(all, report.Phase{
			Name: name, P50: functions.Seconds(middle(byName[name])), P95: functions.Seconds(ranked(byName[name], 0.95)),
		})
	}
	return all
}

func tariff(s functions.Scaling) report.Tariff {
	if s.IsLambda() {
		return report.PerRequest
	}
	return report.PerInstance
}
