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

// replay plays a trace against each style, in the given round. The report is of the first
// round: further ones are there to be held against the simulation.
func (c *contrast) replay(ctx context.Context, n, round int) error {
	trace := c.traces[n]
	plan, err := replay.NewPlan(trace, replay.PlanOptions{
		Compress: c.compress, Longest: c.longest, MostRate: c.mostRate(), Seed: c.seed + uint64(round),
	})
	if err != nil {
		return err
	}
	of := ""
	if c.rounds > 1 {
		of = fmt.Sprintf(", round %d of %d", round+1, c.rounds)
	}
	c.say("\n%s%s, time pressed together by %g, from %v on: %d requests in %v, %.0f %% of what came",
		plan.Trace, of, plan.Compress, plan.From, len(plan.Arrivals), plan.For.Round(time.Second), 100*plan.Kept)
	told := report.Trace{Name: fmt.Sprintf("%s, live at %g times the pace", trace.Name, plan.Compress)}
	for s, style := range c.styles {
		one, err := c.play(ctx, style, plan)
		if err != nil {
			return fmt.Errorf("playing %s in style %s: %w", trace.Name, style.name, err)
		}
		live := one.outcome.Result(int(plan.For/replay.DefaultEvery) + 1)
		live.Policy, live.Seed = style.name, c.seed
		c.tell(one.outcome, live)
		if round > 0 {
			again := c.played[n*len(c.styles)+s]
			again.rounds = append(again.rounds, one)
			continue
		}
		if err := c.keep(trace.Name, style, one.outcome); err != nil {
			return err
		}
		told.Styles = append(told.Styles, report.Style{
			Name: style.name, Live: true, Result: live, Phases: phases(one.outcome.Starts()),
			Usage: report.UsageOf(live, tariff(style.own), style.measured.Instance),
		})
		c.played = append(c.played, &played{trace.Name, s, []playedOnce{one}})
	}
	if round == 0 {
		c.in.Traces = append(c.in.Traces, told)
	}
	return nil
}

// play plays a plan in a style, and measures the function before it and after it.
func (c *contrast) play(ctx context.Context, style contrastStyle, plan replay.Plan) (one playedOnce, err error) {
	if busy := busyness(); busy != "" {
		c.say("  %-14s load average before: %s", style.name, busy)
	}
	before, after := style, style
	if err := c.measureLive(ctx, &before); err != nil {
		return one, fmt.Errorf("measuring before: %w", err)
	}
	if err := c.opener(style.name)(ctx, 0, func(ctx context.Context, stage replay.Stage) (err error) {
		one.outcome, err = replay.Run(ctx, stage, plan, replay.Options{})
		return err
	}); err != nil {
		return one, err
	}
	if err := c.measureLive(ctx, &after); err != nil {
		return one, fmt.Errorf("measuring after: %w", err)
	}
	one.beside = []simulate.Measured{before.measured, after.measured}
	return one, nil
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

// played is the replays of a trace in a style.
type played struct {
	trace  string
	style  int // its place in contrast.styles
	rounds []playedOnce
}

// playedOnce is a replay.
type playedOnce struct {
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
// speed that the machine had during each replay, right before it and right after.
func (c *contrast) validate() error {
	for n := range c.styles {
		all := []simulate.Measured{c.styles[n].measured}
		for _, p := range c.played {
			if p.style == n {
				for _, one := range p.rounds {
					all = append(all, one.beside...)
				}
			}
		}
		c.styles[n].measured = replay.Pooled(all...)
	}
	for _, p := range c.played {
		if err := c.compare(p); err != nil {
			return err
		}
	}
	c.validation()
	return c.writeMeasured()
}

// compared are the figures that live and simulated runs are held against each other in.
var compared = []struct {
	measure, unit string
	of            func(simulate.Result) float64
}{
	{"p50", "s", func(r simulate.Result) float64 { return r.Latency.P50.Seconds() }},
	{"p95", "s", func(r simulate.Result) float64 { return r.Latency.P95.Seconds() }},
	{"cold starts", "", func(r simulate.Result) float64 { return float64(r.Starts) }},
	{"instance-seconds", "s", func(r simulate.Result) float64 { return r.Instances.Seconds() }},
}

// compare notes what the simulation makes of the same arrivals, all rounds together.
func (c *contrast) compare(p *played) error {
	style := c.styles[p.style]
	var live []simulate.Result
	simulated := make([][]simulate.Result, seeds)
	for round, one := range p.rounds {
		live = append(live, one.outcome.Result(1))
		measured := one.outcome.Around(style.measured, one.beside...)
		for n := range simulated {
			result, err := one.outcome.Simulate(measured, style.live, c.instances, 1, c.seed+uint64(round*seeds+n))
			if err != nil {
				return err
			}
			simulated[n] = append(simulated[n], result)
		}
	}
	for _, figure := range compared {
		var all []float64
		for _, rounds := range simulated {
			all = append(all, figure.of(joined(rounds)))
		}
		slices.Sort(all)
		c.in.Validation = append(c.in.Validation, report.Validation{
			Trace: p.trace, Style: style.name, Measure: figure.measure, Unit: figure.unit,
			Live: figure.of(joined(live)), Simulated: all[len(all)/2], Low: all[1], High: all[len(all)-2],
		})
	}
	return nil
}

// joined is what several runs come to together, in what is compared.
func joined(runs []simulate.Result) (all simulate.Result) {
	var latency []simulate.Spread
	for _, r := range runs {
		latency = append(latency, r.Latency)
		all.Starts += r.Starts
		all.Instances += r.Instances
	}
	all.Latency = simulate.Joined(latency...)
	return all
}

func brief(s functions.Seconds) string {
	return time.Duration(s).Round(100 * time.Microsecond).String()
}

// validation tells how near the simulation came.
func (c *contrast) validation() {
	over := ""
	if c.rounds > 1 {
		over = fmt.Sprintf(", %d rounds together", c.rounds)
	}
	c.say("\nThe same arrivals, live and simulated%s:\n", over)
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
	told := fmt.Sprintf("Of %d figures that were measured live and simulated of the same arrivals%s, %d are within 10 %% of each other",
		len(c.in.Validation), over, within)
	if others := len(c.in.Validation) - within; others > 0 {
		told += fmt.Sprintf("; of the other %d there are %d that lie where nineteen of twenty-one simulated runs do", others, lucky)
	}
	told += "."
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
