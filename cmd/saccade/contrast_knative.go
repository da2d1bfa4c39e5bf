package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/seed45885407/saccade/client"
	"github.com/seed45885407/saccade/contrast/replay"
	"github.com/seed45885407/saccade/contrast/report"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/render"
)

// onCluster is the story on a cluster: in each style a copy of the function is put there, the
// traces are played through the gateway, and the copy is taken away. The function itself, if
// it is there, serves on as it is.
//
// A cluster is not measured by itself: a start would need a fresh one, and a request an
// instance that shares its node with nobody. So nothing is simulated either.
func (c *contrast) onCluster(ctx context.Context, began time.Time) error {
	gateway, err := c.remote.client()
	if err != nil {
		return err
	}
	defer gateway.Close()
	declared, folder, err := declaredFunction(c.cfg, c.function)
	if err != nil {
		return err
	}
	c.beginWith(began, c.clusterNotes()...)
	var plans []replay.Plan
	for _, trace := range c.traces {
		plan, err := replay.NewPlan(trace, replay.PlanOptions{Compress: c.compress, Longest: c.longest, MostRate: c.remote.peak, Seed: c.seed})
		if err != nil {
			return err
		}
		plans = append(plans, plan)
		c.in.Traces = append(c.in.Traces, report.Trace{Name: fmt.Sprintf("%s, live at %g times the pace", trace.Name, plan.Compress)})
		c.say("%s, time pressed together by %g, from %v on: %d requests in %v, %.0f %% of what came",
			plan.Trace, plan.Compress, plan.From, len(plan.Arrivals), plan.For.Round(time.Second), 100*plan.Kept)
	}
	for _, style := range c.contrastOptions.styles {
		f, err := c.contrastOptions.copied(declared, style)
		if err != nil {
			return err
		}
		c.say("\nstyle %s, as function %s", style, f.Metadata.Name)
		if err := c.playOn(ctx, gateway, style, f, folder, plans); err != nil {
			return fmt.Errorf("playing in style %s: %w", style, err)
		}
	}
	return c.finish(began)
}

// copied is the function in a style, under a name of its own, its times pressed together as
// the traces' are.
func (o contrastOptions) copied(declared functions.Function, style string) (functions.Function, error) {
	f, err := inStyle(declared, style, o)
	if err != nil {
		return f, err
	}
	f.Metadata.Name += "-contrast-" + style
	whole := func(d functions.Duration) functions.Duration { // Knative has no parts of a second
		return functions.Duration(time.Duration(d).Round(time.Second))
	}
	live := o.compressed(render.Complete(f).Spec.Scaling)
	s := &f.Spec.Scaling
	if s.IsLambda() {
		s.Lambda.KeepAlive = whole(live.Lambda.KeepAlive)
		return f, nil
	}
	s.Window, s.ScaleToZeroPodRetention, s.ScaleDownDelay = whole(live.Window), whole(live.ScaleToZeroPodRetention), whole(live.ScaleDownDelay)
	return f, nil
}

// playOn puts f onto the cluster, plays each plan from zero, and takes f away, whatever
// happens.
func (c *contrast) playOn(ctx context.Context, gateway *client.Client, style string, f functions.Function, folder fs.FS, plans []replay.Plan) (err error) {
	name := f.Metadata.Name
	switch there, err := c.cluster.Has(ctx, name); {
	case err != nil:
		return err
	case there:
		return functions.Errorf(functions.Conflict, "there is a function %s already; if an earlier contrast was killed, it is left from that: saccade delete %s", name, name)
	}
	tell := func(text string) { c.say("           %s", text) }
	defer func() {
		after := context.WithoutCancel(ctx)
		err = errors.Join(err, c.step("deleted", func() error {
			gone := c.cluster.Delete(after, name, tell)
			if err != nil && functions.KindOf(gone) == functions.NotFound {
				return nil // it never came so far
			}
			return gone
		}))
	}()
	var held functions.Held
	if err := c.step("deployed and ready", func() (err error) {
		held, err = c.cluster.Deploy(ctx, f, folder, tell)
		return err
	}); err != nil {
		return err
	}
	if held.CPU == 0 || held.Memory == 0 {
		c.note(fmt.Sprintf("Style %s: the function says not all of what an instance holds (%g cores, %d MiB known); the cost leaves the rest out.", style, held.CPU, held.Memory>>20))
	}
	for n, plan := range plans {
		look := &remoteStage{client: gateway, function: name}
		if err := c.step("at zero", func() error { return look.atZero(ctx, c.remote.timeout) }); err != nil {
			return err
		}
		look.begin()
		stage := replay.Stage{Function: name, Platform: look, Deployed: time.Now(), Send: c.sender(gateway, name)}
		var outcome replay.Outcome
		if err := c.step("played "+plan.Trace, func() (err error) {
			outcome, err = replay.Run(ctx, stage, plan, replay.Options{})
			return err
		}); err != nil {
			return err
		}
		if err := c.tellPlayed(n, style, held, look, outcome); err != nil {
			return err
		}
	}
	return nil
}

// tellPlayed takes an outcome into the report.
func (c *contrast) tellPlayed(trace int, style string, held functions.Held, look *remoteStage, outcome replay.Outcome) error {
	missed, reckoned := look.looks()
	if missed > 0 {
		c.note(fmt.Sprintf("%s, style %s: %d of %d looks at the instances had no answer; they are taken to be as they were.",
			outcome.Plan.Trace, style, missed, len(outcome.Samples)))
	}
	if !reckoned {
		outcome.Used = outcome.Seen()
		c.note(fmt.Sprintf("%s, style %s: the gateway does not count instance time, or is not the only one. It is added up from looks twice a second; starts are not measured.",
			outcome.Plan.Trace, style))
	}
	if err := c.keep(outcome.Plan.Trace, contrastStyle{name: style}, outcome); err != nil {
		return err
	}
	live := outcome.Result(int(outcome.Plan.For/replay.DefaultEvery) + 1)
	live.Function, live.Policy, live.Seed = c.function, style, c.seed
	c.tell(outcome, live)
	if live.Requests == 0 {
		return functions.Errorf(functions.Unavailable, "no request of %s was answered: %v", outcome.Plan.Trace, outcome.Refused())
	}
	c.in.Traces[trace].Styles = append(c.in.Traces[trace].Styles, report.Style{
		Name: style, Live: true, Result: live, Phases: phases(outcome.Starts()),
		Usage: report.UsageOf(live, report.PerInstance, held),
	})
	return nil
}

// step does one, and says how long it took.
func (c *contrast) step(what string, do func() error) error {
	began := time.Now()
	err := do()
	if err != nil {
		what = "not " + what
	}
	c.say("  %s  %s", elapsed(time.Since(began)), what)
	return err
}

func (c *contrast) note(text string) {
	c.say("           %s", text)
	c.in.Origin.Notes = append(c.in.Origin.Notes, text)
}

func (c *contrast) clusterNotes() []string {
	return []string{
		fmt.Sprintf("All runs are live, on a cluster with Knative, each style a Knative Service of its own; the trace's time is pressed together by %g and its peak held to %g requests a second.",
			c.compress, c.remote.peak),
		"Latency is what this machine saw, the way to the gateway included. Instances are what the gateway says twice a second; of the pods' CPU and memory nothing is measured.",
		"Style lambda is what Knative can express of it: idle pods are not frozen, and what is paid for is instances, as in the other styles.",
		"Not measured here, and so not told: starts and requests by themselves, other rates and the break-even, the knobs, and a simulation beside the live runs.",
	}
}
