package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// begin notes where the numbers come from, of a contrast on this machine.
func (c *contrast) begin(began time.Time) {
	notes := []string{
		fmt.Sprintf("Live runs are of real models on this machine, at most %d instances in each style, the trace's time pressed together by %g and its peak held to %.0f %% of what the machine can do.",
			c.instances, c.compress, 100*c.share),
		"Simulated runs have the whole trace in its own time, with the start and service times measured live here, each instance on cores of its own, on which the requests in it slow each other.",
	}
	if c.loadTime > 0 {
		notes = append(notes, fmt.Sprintf("Every start was made longer by %v, as a large model's would be.", c.loadTime))
	}
	if load := busyness(); load != "" {
		notes = append(notes, fmt.Sprintf("The machine's load average was %s when it began, on %d cores.", load, runtime.NumCPU()))
	}
	c.beginWith(began, notes...)
}

func (c *contrast) beginWith(began time.Time, notes ...string) {
	c.in = report.Input{
		Function: c.function, Subject: functions.AutoscalerStartupAware, Prices: report.DefaultPrices(),
		Origin: report.Origin{
			Command: "saccade " + strings.Join(append([]string{"contrast"}, c.arguments()...), " "),
			Machine: machine(), Version: version, Made: began.UTC().Truncate(time.Second), Seed: c.seed,
			Notes: notes,
		},
	}
}

// arguments are the flags that make the report again.
func (c *contrast) arguments() (all []string) {
	c.cmd.Flags().Visit(func(f *flagOf) {
		switch f.Name {
		case "function", "trace", "styles", "compress", "for", "load", "load-time", "window", "parallel", "starts", "requests", "seed", "max-instances",
			"platform", "peak", "namespace", "image", "delivery":
			all = append(all, fmt.Sprintf("--%s=%s", f.Name, strings.Trim(f.Value.String(), "[]")))
		}
	})
	return all
}

// config is the simulation of a style with what was measured, each instance on cores of its
// own: as many as it holds, of those on which the pace was measured.
func (c *contrast) config(style contrastStyle) simulate.Config {
	config := style.measured.On(simulate.Config{Function: c.function, Seed: c.seed, Prices: new(simulate.DefaultPrices())}).Under(style.own)
	config.Apart, config.PolicyName = true, style.name
	if cores := float64(runtime.NumCPU()); config.Held.CPU > 0 && config.Held.CPU < cores {
		config.Pace = config.Pace.On(config.Held.CPU / cores)
	}
	return config
}

// usage is what is paid for in a simulated run.
func (style contrastStyle) usage(r simulate.Result) report.Usage {
	if style.own.IsLambda() {
		return report.BilledUsage(r, int64(style.own.Lambda.Memory)<<20, simulate.DefaultPrices())
	}
	return report.UsageOf(r, report.PerInstance, style.measured.Instance)
}

// whole simulates a trace as it is in every style, and with knobs each style's settings
// one step away, too.
func (c *contrast) whole(trace traces.Trace, knobs bool) error {
	c.say("simulating %s in its own time, %v", trace.Name, trace.For)
	told := report.Trace{Name: trace.Name}
	arrivals := trace.Arrivals(c.seed)
	for _, style := range c.styles {
		config := c.config(style)
		config.Trace, config.Arrivals, config.For, config.Points = trace.Name, arrivals, trace.For, points
		result, err := simulate.Run(config)
		if err != nil {
			return fmt.Errorf("simulating %s in style %s: %w", trace.Name, style.name, err)
		}
		told.Styles = append(told.Styles, report.Style{Name: style.name, Result: result, Usage: style.usage(result)})
		if !knobs {
			continue
		}
		variants, err := simulate.Sensitivity(config, style.own)
		if err != nil {
			return fmt.Errorf("turning the knobs of %s: %w", style.name, err)
		}
		c.in.Knobs = append(c.in.Knobs, report.Knobs{Trace: trace.Name, Style: style.name, Variants: variants})
	}
	c.in.Traces = append(c.in.Traces, told)
	return nil
}

// Bounds of one rate's run: enough requests, and long enough for windows and keep-alives
// to count.
const (
	sweepRequests = 4000
	sweepLeast    = 2 * time.Hour
	sweepMost     = 30 * 24 * time.Hour
	sweepEnough   = 3_000_000 // requests, whatever the time
)

// sweep simulates a steady stream at rates far apart; the break-even is read off it.
func (c *contrast) sweep() error {
	c.say("simulating steady streams, from three an hour to a thousand a second")
	for _, perSecond := range []float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000} {
		lasting := func(requests float64) time.Duration {
			return time.Duration(requests / perSecond * float64(time.Second))
		}
		length := min(sweepMost, max(sweepLeast, lasting(sweepRequests)), lasting(sweepEnough))
		arrivals := traces.Poisson(perSecond, length, c.seed)
		rate := report.Rate{PerSecond: perSecond}
		for _, style := range c.styles {
			config := c.config(style)
			config.Arrivals, config.For = arrivals, length
			result, err := simulate.Run(config)
			if err != nil {
				return fmt.Errorf("simulating %v requests a second in style %s: %w", perSecond, style.name, err)
			}
			rate.Styles = append(rate.Styles, report.RateStyle{Name: style.name, Usage: style.usage(result)})
		}
		c.in.Sweep = append(c.in.Sweep, rate)
	}
	return nil
}

// finish writes the report and tells its verdict.
func (c *contrast) finish(began time.Time) error {
	if err := report.WriteFolder(c.out, c.in); err != nil {
		return err
	}
	headline, rest, err := report.Verdict(c.in)
	if err != nil {
		return err
	}
	c.say("\n%s", headline)
	for _, sentence := range rest {
		c.say("- %s", sentence)
	}
	at := filepath.Join(c.out, "report.html")
	if whole, err := filepath.Abs(at); err == nil {
		at = whole
	}
	_, err = os.Stat(at)
	c.say("\nThe report is %s, made in %v.", at, time.Since(began).Round(time.Second))
	return err
}
