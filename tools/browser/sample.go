package main

import (
	"fmt"
	"math"
	"time"

	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/contrast/traces"
	"github.com/seed45885407/saccade/functions"
)

// The sample's function: starts of three seconds, requests of 120 ms, a core and 1,769 MB; two at
// a time in an instance, but on Lambda one.
const (
	loadTime    = 3 * time.Second
	serviceTime = 120 * time.Millisecond
	memory      = 1769 << 20
	seed        = 7
)

// style is one of the three ways, with what the simulator needs to know of it.
type style struct {
	name    string
	tariff  report.Tariff
	scaling functions.Scaling
}

func styles() []style {
	filled := func(s functions.Scaling) functions.Scaling {
		return functions.Function{Spec: functions.Spec{Scaling: s}}.WithDefaults().Spec.Scaling
	}
	return []style{
		{"lambda", report.PerRequest, filled(functions.Scaling{Style: functions.StyleLambda})},
		{"kubernetes", report.PerInstance, filled(functions.Scaling{ContainerConcurrency: 2})},
		{"startup-aware", report.PerInstance, filled(functions.Scaling{ContainerConcurrency: 2, Autoscaler: "startup-aware"})},
	}
}

func (s style) held() functions.Held { return functions.Held{CPU: 1, Memory: memory} }

// run simulates a style on arrivals; points is as in [simulate.Config].
func (s style) run(scaling functions.Scaling, trace string, arrivals []time.Duration, length time.Duration, points int) (simulate.Result, error) {
	prices := simulate.DefaultPrices()
	config := simulate.Config{
		Function: "sample", Trace: trace, Arrivals: arrivals, For: length, Seed: seed, Points: points,
		Service: simulate.LogNormal(serviceTime, 0.3), Load: simulate.LogNormal(loadTime, 0.15),
		Held: s.held(), Prices: &prices,
	}.Under(scaling)
	result, err := simulate.Run(config)
	if err != nil {
		return result, fmt.Errorf("simulating %s on %s: %w", s.name, trace, err)
	}
	return result, nil
}

func (s style) usage(r simulate.Result) report.Usage {
	if s.tariff == report.PerRequest {
		return report.BilledUsage(r, memory, simulate.DefaultPrices())
	}
	return report.UsageOf(r, s.tariff, s.held())
}

// sample is a report of three simulated styles on two traces, to look at and to test with.
func sample() (report.Input, error) {
	in := report.Input{
		Function: "sample", Prices: report.DefaultPrices(),
		Origin: report.Origin{
			Command: "go run -C tools/browser . -out ../../out/report", Machine: "no machine: all of it is simulated", Made: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Seed: seed,
			Notes: []string{fmt.Sprintf("Service times are log-normal around %v, starts around %v. Nothing was measured: this is a sample to test the page with.", serviceTime, loadTime)},
		},
	}
	for _, name := range []string{"rush-hour", "flash-crowd"} {
		trace, err := traces.Named(name)
		if err != nil {
			return in, err
		}
		shown := report.Trace{Name: trace.Name}
		for _, s := range styles() {
			result, err := s.run(s.scaling, trace.Name, trace.Arrivals(seed), trace.For, 240)
			if err != nil {
				return in, err
			}
			shown.Styles = append(shown.Styles, report.Style{
				Name: s.name, Result: result, Usage: s.usage(result),
				Phases: []report.Phase{
					{Name: "start", P50: share(loadTime, 0.15), P95: share(loadTime, 0.2)},
					{Name: "load", P50: share(loadTime, 0.7), P95: share(loadTime, 0.9)},
					{Name: "warmup", P50: share(loadTime, 0.15), P95: share(loadTime, 0.18)},
				},
			})
		}
		in.Traces = append(in.Traces, shown)
	}
	for _, add := range []func(*report.Input) error{addSweep, addKnobs} {
		if err := add(&in); err != nil {
			return in, err
		}
	}
	in.Validation = []report.Validation{
		{Trace: "rush hour", Style: "lambda", Measure: "p50", Unit: "s", Live: 0.121, Simulated: 0.12, Low: 0.116, High: 0.123},
		{Trace: "rush hour", Style: "lambda", Measure: "cold starts", Live: 14, Simulated: 13},
	}
	return in, nil
}

func share(d time.Duration, of float64) functions.Seconds {
	return functions.Seconds(float64(d) * of)
}

// addSweep runs each style at steady rates over four decades and more.
func addSweep(in *report.Input) error {
	const length = 2 * time.Hour
	for step := range 14 {
		rate := math.Pow(10, -3+float64(step)/3)
		arrivals := traces.Poisson(rate, length, seed)
		if len(arrivals) == 0 {
			continue
		}
		shown := report.Rate{PerSecond: rate}
		for _, s := range styles() {
			result, err := s.run(s.scaling, "steady", arrivals, length, 0)
			if err != nil {
				return err
			}
			shown.Styles = append(shown.Styles, report.RateStyle{Name: s.name, Usage: s.usage(result)})
		}
		in.Sweep = append(in.Sweep, shown)
	}
	return nil
}

// addKnobs turns four knobs of startup-aware, each down and up.
func addKnobs(in *report.Input) error {
	trace, err := traces.Named("rush-hour")
	if err != nil {
		return err
	}
	s := styles()[2]
	knobs := report.Knobs{Trace: trace.Name, Style: s.name}
	for _, turn := range []struct {
		knob, value string
		set         func(*functions.Scaling)
	}{
		{"", "", func(*functions.Scaling) {}},
		{"containerConcurrency", "1", func(c *functions.Scaling) { c.ContainerConcurrency = 1 }},
		{"containerConcurrency", "4", func(c *functions.Scaling) { c.ContainerConcurrency = 4 }},
		{"targetUtilization", "50", func(c *functions.Scaling) { c.TargetUtilization = 50 }},
		{"targetUtilization", "90", func(c *functions.Scaling) { c.TargetUtilization = 90 }},
		{"window", "30s", func(c *functions.Scaling) { c.Window = functions.Duration(30 * time.Second) }},
		{"window", "2m", func(c *functions.Scaling) { c.Window = functions.Duration(2 * time.Minute) }},
		{"minScale", "1", func(c *functions.Scaling) { c.MinScale = 1 }},
		{"minScale", "3", func(c *functions.Scaling) { c.MinScale = 3 }},
	} {
		scaling := s.scaling
		turn.set(&scaling)
		result, err := s.run(scaling, trace.Name, trace.Arrivals(seed), trace.For, 0)
		if err != nil {
			return err
		}
		knobs.Variants = append(knobs.Variants, simulate.Variant{
			Knob: turn.knob, Value: turn.value, P99: result.Latency.P99, Cost: result.Cost.Total, Result: result,
		})
	}
	in.Knobs = append(in.Knobs, knobs)
	return nil
}
