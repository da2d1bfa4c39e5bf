package simulate

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed45885407/saccade/functions"
)

// Step is settings with one knob a step away from where it was.
type Step struct {
	// Knob is the setting's name as function.yaml has it, Value what it is now.
	Knob, Value string
	Settings    functions.Scaling
	// Pace is by what requests and starts take longer than before; 1 but for the size of
	// Lambda's instances.
	Pace float64
}

// Steps are a step up and a step down of each knob that the settings' policy reads, where
// there is such a step.
func Steps(s functions.Scaling) []Step {
	if s.IsLambda() {
		return lambdaSteps(s)
	}
	var all steps
	places := s.ContainerConcurrency
	all.add(s, packing, 2*places, pack(2*places), places > 0 && places <= mostPlaces/2)
	all.add(s, packing, places/2, pack(places/2), places > 1)
	utilization, window := s.TargetUtilization, time.Duration(s.Window)
	all.add(s, "minScale", s.MinScale+1, func(s *functions.Scaling) { s.MinScale++ }, s.MaxScale == 0 || s.MinScale < s.MaxScale)
	all.add(s, "minScale", s.MinScale-1, func(s *functions.Scaling) { s.MinScale-- }, s.MinScale > 0)
	all.add(s, "maxScale", s.MaxScale+1, func(s *functions.Scaling) { s.MaxScale++ }, s.MaxScale > 0)
	all.add(s, "maxScale", s.MaxScale-1, func(s *functions.Scaling) { s.MaxScale-- }, s.MaxScale > max(1, s.MinScale))
	all.add(s, "targetUtilization", utilization+10, func(s *functions.Scaling) { s.TargetUtilization += 10 }, utilization <= 90)
	all.add(s, "targetUtilization", utilization-10, func(s *functions.Scaling) { s.TargetUtilization -= 10 }, utilization > 10)
	all.add(s, "window", 2*window, func(s *functions.Scaling) { s.Window *= 2 }, window <= time.Hour/2)
	all.add(s, "window", window/2, func(s *functions.Scaling) { s.Window /= 2 }, window >= 12*time.Second)
	retention := time.Duration(s.ScaleToZeroPodRetention)
	all.add(s, "scaleToZeroPodRetention", retention+time.Minute, func(s *functions.Scaling) { s.ScaleToZeroPodRetention += functions.Duration(time.Minute) }, true)
	if s.Autoscaler == functions.AutoscalerStartupAware {
		return all
	}
	share, threshold, delay := s.PanicWindowPercentage, s.PanicThresholdPercentage, time.Duration(s.ScaleDownDelay)
	all.add(s, "panicWindowPercentage", 2*share, func(s *functions.Scaling) { s.PanicWindowPercentage *= 2 }, share <= 50)
	all.add(s, "panicWindowPercentage", share/2, func(s *functions.Scaling) { s.PanicWindowPercentage /= 2 }, share >= 2)
	all.add(s, "panicThresholdPercentage", threshold+50, func(s *functions.Scaling) { s.PanicThresholdPercentage += 50 }, threshold <= 950)
	all.add(s, "panicThresholdPercentage", threshold-50, func(s *functions.Scaling) { s.PanicThresholdPercentage -= 50 }, threshold >= 160)
	all.add(s, "scaleDownDelay", delay+30*time.Second, func(s *functions.Scaling) { s.ScaleDownDelay += functions.Duration(30 * time.Second) }, true)
	return all
}

// packing is how many requests there may be in an instance at a time.
const (
	packing    = "containerConcurrency"
	mostPlaces = 1000 // Knative's bound
)

// pack sets it, and what KPA aims at with it where that was all places.
func pack(places int) func(*functions.Scaling) {
	return func(s *functions.Scaling) {
		if s.Target == float64(s.ContainerConcurrency) {
			s.Target = float64(places)
		}
		s.ContainerConcurrency = places
	}
}

// lambdaSteps has a size's CPU in proportion to its memory, and all times in inverse
// proportion to that: true of a model whose runs use all cores they get.
func lambdaSteps(s functions.Scaling) []Step {
	var all steps
	l := s.Lambda
	keep, provisioned := time.Duration(l.KeepAlive), l.ProvisionedConcurrency
	all.add(s, "lambda.keepAlive", 2*keep, func(s *functions.Scaling) { s.Lambda.KeepAlive *= 2 }, true)
	all.add(s, "lambda.keepAlive", keep/2, func(s *functions.Scaling) { s.Lambda.KeepAlive /= 2 }, keep > time.Minute)
	provision := func(n int) func(*functions.Scaling) {
		return func(s *functions.Scaling) { s.Lambda.ProvisionedConcurrency, s.MinScale = n, n }
	}
	all.add(s, "lambda.provisionedConcurrency", provisioned+1, provision(provisioned+1), l.ReservedConcurrency == 0 || provisioned < l.ReservedConcurrency)
	all.add(s, "lambda.provisionedConcurrency", provisioned-1, provision(provisioned-1), provisioned > 0)
	for _, memory := range []int{2 * l.Memory, l.Memory / 2} {
		if all.add(s, "lambda.memory", memory, func(s *functions.Scaling) { s.Lambda.Memory = memory }, memory >= 128 && memory <= 10240) {
			all[len(all)-1].Pace = float64(l.Memory) / float64(memory)
		}
	}
	return all
}

type steps []Step

func (all *steps) add(s functions.Scaling, knob string, value any, set func(*functions.Scaling), possible bool) bool {
	if possible {
		set(&s)
		*all = append(*all, Step{Knob: knob, Value: fmt.Sprint(value), Settings: s, Pace: 1})
	}
	return possible
}

// Sensitivity runs c under the settings, and under each of their Steps, on as many cores
// as there are. The first Variant is the one without a step. How requests in an instance
// slow each other is c's Pace; without one more of them in it would look like a gift, so
// containerConcurrency is left as it is.
func Sensitivity(c Config, s functions.Scaling) ([]Variant, error) {
	all := append([]Step{{Settings: s, Pace: 1}}, Steps(s)...)
	if len(c.Pace) == 0 {
		all = slices.DeleteFunc(all, func(step Step) bool { return step.Knob == packing })
	}
	variants := make([]Variant, len(all))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, step := range all {
		group.Go(func() error {
			varied := c.Under(step.Settings)
			varied.Points, varied.Why = 0, nil
			if step.Pace != 1 {
				varied.Service, varied.Load = c.Service.Times(step.Pace), c.Load.Times(step.Pace)
			}
			result, err := Run(varied)
			if err != nil {
				return fmt.Errorf("with %s %s: %w", step.Knob, step.Value, err)
			}
			cost := result.Cost.Total
			if c.Prices == nil {
				cost = functions.Money(result.Instances.Seconds())
			}
			variants[n] = Variant{Knob: step.Knob, Value: step.Value, P99: result.Latency.P99, Cost: cost, Result: result}
			return nil
		})
	}
	return variants, group.Wait()
}
