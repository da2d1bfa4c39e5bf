package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// contrastOptions are the flags of saccade contrast.
type contrastOptions struct {
	function, platform, out, measured string
	traces, styles                    []string
	compress, share                   float64
	longest, loadTime, window         time.Duration
	instances, parallel               int
	starts, requests, rounds          int
	seed                              uint64
	simulate                          bool
	functions                         int
	hours                             float64
	nodes                             nodeOptions
	remote                            clusterOptions
}

// contrastCommand is saccade contrast.
func contrastCommand(cfg *config.Saccade) *cobra.Command {
	var o contrastOptions
	cmd := &cobra.Command{
		Use:   "contrast",
		Short: "Run one function in several styles under the same traffic, live and simulated, and report what each costs",
		Long: "Measures the function on a platform of its own, plays each trace against each style, simulates the same\n" +
			"arrivals and the whole trace, and writes report.html, report.json, report.csv and what was seen into --out.\n\n" +
			"With --platform knative the traces are played through the gateway on a cluster, in each style against a\n" +
			"copy of the function that is deployed for that time as NAME-contrast-STYLE, and deleted.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Functions = o.population(cfg.Functions)
			if err := o.check(); err != nil {
				return err
			}
			c, err := newContrast(cmd, *cfg, o)
			if err != nil {
				return err
			}
			defer c.close()
			if o.platform == onKnative {
				if c.cluster, err = o.remote.cluster(cmd, *cfg); err != nil {
					return err
				}
			}
			return c.run(cmd.Context())
		},
	}
	platformFlags(cmd, cfg)
	f := cmd.Flags()
	f.StringVarP(&o.function, "function", "f", "centernet", "the `function` to run")
	f.StringSliceVar(&o.traces, "trace", []string{"rush-hour", "sporadic-camera", "flash-crowd"}, "`traces` to play: names of saccade traces list, or files")
	f.StringSliceVar(&o.styles, "styles", contrastStyles, "`styles` to contrast")
	f.StringVar(&o.platform, "platform", onThisMachine, "where the trace is played: `local or knative`")
	f.Float64Var(&o.compress, "compress", 60, "press the trace's time together by this `factor`, and the settings' with it as far as they may be")
	f.DurationVar(&o.longest, "for", 30*time.Second, "play each trace so long at most: the stretch with most requests")
	f.Float64Var(&o.share, "load", 0.5, "`share` of what the machine can do that the trace's peak may take; more requests are left out by chance")
	f.DurationVar(&o.loadTime, "load-time", 0, "let every start take so much longer, as a large model's would")
	f.DurationVar(&o.window, "window", 0, "window and keep-alive of the live platform (0: the function's own, compressed, 6s at least)")
	f.IntVar(&o.parallel, "parallel", 0, "runs at a time in an instance of style kubernetes (0: as the function says)")
	f.IntVar(&o.starts, "starts", 3, "cold `starts` to measure of each style")
	f.IntVar(&o.requests, "requests", 60, "`requests` to measure of each style, at each number at a time")
	f.IntVar(&o.rounds, "rounds", 1, "play each trace so many `times` against each style, each with other requests, and hold all together against the simulation")
	f.StringVar(&o.measured, "measured", "", "take what was measured from this `file` (an earlier run's measured.json) instead; only with --simulate")
	f.StringVar(&o.out, "out", filepath.Join("out", "contrast"), "`folder` for what comes out")
	f.Uint64Var(&o.seed, "seed", 1, "for all that is drawn")
	f.BoolVar(&o.simulate, "simulate", false, "simulate many functions after the published Azure distributions, nothing live but the measuring")
	f.IntVar(&o.functions, "population", 1000, "with --simulate: how many `functions`; a number for --functions is the same")
	f.Float64Var(&o.hours, "hours", 24, "with --simulate: how many `hours`")
	o.nodes.flags(f)
	o.remote.flags(cmd, cfg)
	return cmd
}

func (o contrastOptions) check() error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, functions.Errorf(functions.Invalid, format, args...))
	}
	switch {
	case o.platform == onKnative && (o.simulate || o.loadTime > 0):
		fault("--simulate and --load-time go with --platform %s: a cluster is played on as it is", onThisMachine)
	case o.rounds < 1 || o.rounds > mostRounds || o.rounds > 1 && (o.simulate || o.platform == onKnative):
		fault("--rounds is 1 to %d, and 1 with --simulate and --platform %s: nothing is held against a simulation there", mostRounds, onKnative)
	case o.platform == onKnative && !(o.remote.peak > 0 && o.remote.timeout > 0):
		fault("--peak and --timeout are above 0")
	case o.platform != onKnative && o.platform != onThisMachine:
		fault("--platform %s: traces are played on %s or on %s", o.platform, onThisMachine, onKnative)
	}
	if !(o.compress >= 1) || !(o.share > 0 && o.share <= 1) || o.longest <= 0 || o.loadTime < 0 || o.parallel < 0 {
		fault("--compress is 1 or more, --load between 0 and 1, --for, --load-time and --parallel are not below zero")
	}
	if o.window != 0 && o.window < leastWindow {
		fault("--window is %v at least", leastWindow)
	}
	if !(o.hours > 0 && o.hours <= 24*366) || o.functions < 1 || o.functions > 1_000_000 {
		fault("--population is 1 to 1000000, --hours above 0 and a year at most")
	}
	if o.measured != "" && !o.simulate {
		fault("--measured goes with --simulate: a replay is held against what was measured on the same machine at the same time")
	}
	for _, style := range o.styles {
		if _, err := styled(functions.Function{}, style, o); err != nil {
			errs = append(errs, err)
		}
	}
	if len(o.styles) == 0 || len(o.traces) == 0 {
		fault("there is no style or no trace")
	}
	return errors.Join(errs...)
}

// mostRounds is how often a trace is played at most.
const mostRounds = 100

// contrast is one run of the command.
type contrast struct {
	contrastOptions
	cmd *cobra.Command
	theatre
	styles []contrastStyle
	traces []traces.Trace
	played []*played
	in     report.Input
	// cluster is where it is played, or nil: here.
	cluster cluster
}

// contrastStyle is a style with what was measured of the function in it.
type contrastStyle struct {
	name     string
	measured simulate.Measured
	// own are the function's settings, live those of the replays.
	own, live functions.Scaling
}

func newContrast(cmd *cobra.Command, cfg config.Saccade, o contrastOptions) (*contrast, error) {
	if o.instances = cfg.MaxInstances; o.instances == 0 {
		o.instances = 2 * runtime.NumCPU()
	}
	c := &contrast{contrastOptions: o, cmd: cmd}
	for _, name := range o.traces {
		trace, err := openTrace(name, o.function)
		if err != nil {
			return nil, err
		}
		c.traces = append(c.traces, trace)
	}
	cfg.MaxInstances = o.instances
	if o.platform == onKnative {
		return c, c.theatre.elsewhere(cfg, o)
	}
	return c, c.theatre.open(cmd, cfg, o)
}

// run is the story: measure, replay, simulate, report.
func (c *contrast) run(ctx context.Context) error {
	began := time.Now()
	if c.cluster != nil {
		return c.onCluster(ctx, began)
	}
	for _, name := range c.contrastOptions.styles {
		style, err := c.measure(ctx, name)
		if err != nil {
			return fmt.Errorf("measuring %s in style %s: %w", c.function, name, err)
		}
		c.styles = append(c.styles, style)
	}
	if err := c.writeMeasured(); err != nil {
		return err
	}
	if c.simulate {
		return c.fleets()
	}
	c.begin(began)
	for round := range c.rounds {
		for n := range c.traces {
			if err := c.replay(ctx, n, round); err != nil {
				return err
			}
		}
	}
	if err := c.validate(); err != nil {
		return err
	}
	for n, trace := range c.traces {
		if err := c.whole(trace, n == 0); err != nil {
			return err
		}
	}
	if err := c.sweep(); err != nil {
		return err
	}
	return c.finish(began)
}

func (c *contrast) say(format string, args ...any) {
	fmt.Fprintf(c.cmd.OutOrStdout(), format+"\n", args...)
}

// measure measures the function in a style, or takes what was measured before.
func (c *contrast) measure(ctx context.Context, name string) (contrastStyle, error) {
	style := contrastStyle{name: name}
	function, err := c.own()
	if err != nil {
		return style, err
	}
	own, err := styled(function, name, c.contrastOptions)
	if err != nil {
		return style, err
	}
	style.own = own.Spec.Scaling
	style.live = c.compressed(style.own)
	if c.contrastOptions.measured != "" {
		style.measured, err = c.readMeasured(name)
		return style, err
	}
	err = c.measureLive(ctx, &style)
	return style, err
}

// measureLive measures the function now.
func (c *contrast) measureLive(ctx context.Context, style *contrastStyle) (err error) {
	c.say("measuring %s in style %s", c.function, style.name)
	atATime := min(c.instances*max(1, style.live.ContainerConcurrency), 2*runtime.NumCPU())
	style.measured, err = replay.Measure(ctx, c.opener(style.name), replay.MeasureOptions{
		Starts: c.starts, Requests: c.requests, Instances: min(c.kept(style.live), atATime), AtATime: atATime,
		Places: style.live.ContainerConcurrency,
	})
	if err != nil {
		return err
	}
	style.measured.Machine = machine()
	if style.measured.Instance.Memory == 0 {
		style.measured.Instance.Memory = c.memory.rounded()
	}
	m := style.measured
	c.say("  a request takes %v (median of %d); with %d at a time each goes at %.2f of that pace; a start %v (median of %d)",
		middle(m.Service).Round(10*time.Microsecond), len(m.Service), len(m.Pace), m.Pace[len(m.Pace)-1], middle(m.Load).Round(100*time.Microsecond), len(m.Load))
	return nil
}

// writeMeasured keeps what was measured, by style.
func (c *contrast) writeMeasured() error {
	all := map[string]simulate.Measured{}
	for _, style := range c.styles {
		all[style.name] = style.measured
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing what was measured: %w", err)
	}
	return c.write("measured.json", text)
}

func (c *contrast) write(name string, content []byte) error {
	path := filepath.Join(c.out, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder for the contrast: %w", err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("writing the contrast: %w", err)
	}
	return nil
}
