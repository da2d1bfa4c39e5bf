package main

import (
	"cmp"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// contrastStyles are the styles that can be contrasted.
var contrastStyles = []string{functions.StyleLambda, functions.StyleKubernetes, functions.AutoscalerStartupAware}

// leastWindow is the shortest window of Knative's.
const leastWindow = 6 * time.Second

// styled is f in a style. What f says of the style's own settings stays; a function of
// style lambda says nothing of the other style's, so those are the defaults.
func styled(f functions.Function, style string, o contrastOptions) (functions.Function, error) {
	f, err := inStyle(f, style, o)
	return f.WithDefaults(), err
}

// inStyle is styled before defaults are filled in, of which a cluster has others.
func inStyle(f functions.Function, style string, o contrastOptions) (functions.Function, error) {
	c := &f.Spec.Scaling
	wasLambda := c.IsLambda()
	if style == functions.StyleLambda {
		*c = functions.Scaling{Style: functions.StyleLambda, Lambda: c.Lambda, Timeout: c.Timeout}
		f.Spec.Runtime.Threads = 0                             // one run has all the instance's cores
		f.Spec.Resources.CPU, f.Spec.Resources.Memory = "", "" // its size is lambda.memory alone
		f.Spec.Cluster.Requests.CPU, f.Spec.Cluster.Requests.Memory = "", ""
		return f, nil
	}
	if wasLambda {
		*c = functions.Scaling{Timeout: c.Timeout}
		f.Spec.Runtime.Parallel, f.Spec.Runtime.Threads = 0, 0
		f.Spec.Resources.CPU, f.Spec.Resources.Memory = "", ""
	}
	switch style {
	case functions.StyleKubernetes:
		c.Autoscaler = functions.AutoscalerKPA
	case functions.AutoscalerStartupAware:
		c.Autoscaler = functions.AutoscalerStartupAware
	default:
		return f, functions.Errorf(functions.Invalid, "there is no style %q; there are lambda, kubernetes and startup-aware", style)
	}
	if o.parallel > 0 {
		f.Spec.Runtime.Parallel = o.parallel
		c.ContainerConcurrency, c.Target = 0, 0
	}
	return f, nil
}

// compressed are settings whose times are pressed together as the trace's are, as far as
// the platform allows.
func (o contrastOptions) compressed(s functions.Scaling) functions.Scaling {
	press := func(d functions.Duration, least time.Duration) functions.Duration {
		return functions.Duration(max(least, time.Duration(float64(d)/o.compress)))
	}
	if s.IsLambda() {
		s.Lambda.KeepAlive = functions.Duration(cmp.Or(o.window, time.Duration(press(s.Lambda.KeepAlive, leastWindow))))
		return s
	}
	s.Window = functions.Duration(cmp.Or(o.window, time.Duration(press(s.Window, leastWindow))))
	s.ScaleToZeroPodRetention, s.ScaleDownDelay = press(s.ScaleToZeroPodRetention, 0), press(s.ScaleDownDelay, 0)
	return s
}

// kept is how many instances measuring wants: as many as there may be.
func (o contrastOptions) kept(s functions.Scaling) int {
	most := o.instances
	if s.MaxScale > 0 {
		most = min(most, s.MaxScale)
	}
	return max(1, most, s.MinScale)
}

// keeping are settings that keep so many instances.
func keeping(s functions.Scaling, instances int) functions.Scaling {
	if instances <= 0 {
		return s
	}
	s.MinScale = instances
	if s.IsLambda() {
		s.Lambda.ProvisionedConcurrency = instances
	}
	return s
}
