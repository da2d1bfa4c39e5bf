// Package replay plays a trace against a live platform, measures the function there, and
// holds the simulation against what was seen.
//
// It receives a [Stage], a platform with the function alone on it, and a [Plan], the
// arrivals to play. It hands on an [Outcome]: each request's reply, the instances looked
// at twice a second, and what they used; and of a function's starts and requests measured
// by themselves the simulation's Measured ([Measure]). It refuses plans without arrivals
// and platforms that do not come up.
//
// The load is open: a request leaves when its time has come, whether or not others came
// back, as people and cameras do. A loop that waits for answers would slow down with the
// platform and hide its worst.
package replay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Platform is what is looked at.
type Platform interface {
	Functions() []functions.FunctionStatus
	Usage() []functions.Usage
}

// Stage is a platform that is up with the function at zero, or at what it keeps.
type Stage struct {
	Function string
	Platform Platform
	// Deployed is when the function's policy began.
	Deployed time.Time
	// Send asks the function about a picture. It is called from many goroutines; the
	// number is another for each request, so that no two are the same to the gateway.
	Send func(ctx context.Context, number int) (functions.Reply, error)
	// Processes is what the instances use of the machine now; nil where nobody can tell.
	Processes func() Processes
}

// Options say how a plan is played.
type Options struct {
	// Every is how often the platform is looked at. Default [DefaultEvery].
	Every time.Duration
	// Progress is told now and then how many of how many requests have left. May be nil.
	Progress func(sent, of int)
}

// DefaultEvery is twice a second.
const DefaultEvery = 500 * time.Millisecond

// Request is one request that was played.
type Request struct {
	// At is when it was due, since the replay's beginning; Late how much later it left.
	At, Late time.Duration
	// Latency is from leaving to the answer, as the caller sees it.
	Latency time.Duration
	// Reply is the answer's head; zero where Kind says why there is none.
	Cold   bool
	Timing functions.ReplyTiming
	Kind   functions.Kind
}

// Outcome is what a replay came to.
type Outcome struct {
	// Lead is how long the policy had been there when the replay began.
	Lead     time.Duration
	Plan     Plan
	Requests []Request
	Samples  []Sample
	// Used is the function's instances' time up to the plan's end.
	Used functions.Usage
}

// Run plays the plan, and returns when every request is answered.
func Run(ctx context.Context, stage Stage, plan Plan, o Options) (Outcome, error) {
	if len(plan.Arrivals) == 0 || plan.For <= 0 {
		return Outcome{}, errors.New("replaying a plan without arrivals")
	}
	if o.Every <= 0 {
		o.Every = DefaultEvery
	}
	began := time.Now()
	out := Outcome{Lead: began.Sub(stage.Deployed), Plan: plan, Requests: make([]Request, len(plan.Arrivals))}
	over, stop := context.WithCancel(ctx)
	defer stop()
	var sent atomic.Int64
	var group sync.WaitGroup
	group.Go(func() {
		out.Samples = look(over, stage, began, plan.For, o, func() {
			if o.Progress != nil {
				o.Progress(int(sent.Load()), len(plan.Arrivals))
			}
		})
	})
	group.Go(func() {
		if sleepUntil(over, began.Add(plan.For)) {
			out.Used = usageOf(stage)
		}
	})
	for n, at := range plan.Arrivals {
		if !sleepUntil(ctx, began.Add(at)) {
			break
		}
		sent.Add(1)
		group.Go(func() { out.Requests[n] = ask(ctx, stage, began, at, n) })
	}
	if ctx.Err() != nil {
		stop()
	}
	group.Wait()
	if ctx.Err() != nil {
		return Outcome{}, fmt.Errorf("replaying: %w", context.Cause(ctx))
	}
	markCold(out.Requests)
	return out, nil
}

func ask(ctx context.Context, stage Stage, began time.Time, at time.Duration, number int) Request {
	left := time.Now()
	reply, err := stage.Send(ctx, number)
	r := Request{At: at, Late: left.Sub(began) - at, Latency: time.Since(left)}
	if err != nil {
		r.Kind = functions.KindOf(err)
		return r
	}
	r.Cold, r.Timing = reply.ColdStart, reply.Timing
	return r
}

// sleepUntil says false where ctx ended before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	left := time.Until(at)
	if left <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// usageOf adds up what the function's instances used.
func usageOf(stage Stage) functions.Usage {
	sum := functions.Usage{Function: stage.Function}
	for _, u := range stage.Platform.Usage() {
		if u.Function == stage.Function {
			sum.Held = u.Held
			sum = sum.Plus(u)
		}
	}
	return sum
}
