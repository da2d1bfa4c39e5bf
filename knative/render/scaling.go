package render

import (
	"fmt"
	"strconv"
	"time"

	"knative.dev/serving/pkg/apis/autoscaling"
	"knative.dev/serving/pkg/apis/serving"

	"github.com/seed45885407/saccade/functions"
)

// drainMargin is how much longer than the longest request a pod may take to end.
// Knative makes one number of both, timeoutSeconds, and its queue-proxy goes on
// answering for 30 s after it was told to end, for callers who have not heard of it
// (knative.dev/serving v0.42, pkg/queue/sharedmain: drainSleepDuration).
const drainMargin = 30 * time.Second

// annotations are what Knative's autoscalers read on a revision.
func annotations(s functions.Spec, o Options) map[string]string {
	var all map[string]string
	switch {
	case s.Scaling.IsLambda():
		all = lambda(s.Scaling)
	case s.Scaling.Autoscaler == functions.AutoscalerHPA:
		all = hpa(s.Scaling)
	default:
		all = kpa(s.Scaling)
	}
	if c := s.Scaling; c.MaxScale > 0 {
		all[autoscaling.MaxScaleAnnotationKey] = strconv.Itoa(c.MaxScale)
	}
	all[autoscaling.MinScaleAnnotationKey] = strconv.Itoa(s.Scaling.MinScale)
	if n := s.Scaling.InitialScale; n != nil {
		all[autoscaling.InitialScaleAnnotationKey] = strconv.Itoa(*n)
	}
	deadline := seconds(s.Scaling.StartTimeout) + seconds(functions.Duration(o.PullTimeout))
	all[serving.ProgressDeadlineAnnotationKey] = fmt.Sprintf("%ds", int(deadline.Seconds()))
	return all
}

func kpa(s functions.Scaling) map[string]string {
	all := map[string]string{
		autoscaling.ClassAnnotationKey:                    autoscaling.KPA,
		autoscaling.MetricAnnotationKey:                   s.Metric,
		autoscaling.TargetAnnotationKey:                   number(s.Target),
		autoscaling.TargetUtilizationPercentageKey:        number(s.TargetUtilization),
		autoscaling.WindowAnnotationKey:                   duration(s.Window),
		autoscaling.PanicWindowPercentageAnnotationKey:    number(s.PanicWindowPercentage),
		autoscaling.PanicThresholdPercentageAnnotationKey: number(s.PanicThresholdPercentage),
	}
	if s.ScaleDownDelay > 0 {
		all[autoscaling.ScaleDownDelayAnnotationKey] = duration(s.ScaleDownDelay)
	}
	if s.ScaleToZeroPodRetention > 0 {
		all[autoscaling.ScaleToZeroPodRetentionPeriodKey] = duration(s.ScaleToZeroPodRetention)
	}
	if s.Autoscaler == functions.AutoscalerStartupAware {
		all[autoscaling.TargetUtilizationPercentageKey] = "100"
		all[AnnotationAutoscaler] = "startup-aware: the gateway decides how many pods are wanted and lets as many requests through; " +
			"Knative's autoscaler follows, a pod for each containerConcurrency of them"
	}
	return all
}

// hpa has no use for Knative's windows but for one, which is how long Kubernetes'
// autoscaler waits before it follows a change.
func hpa(s functions.Scaling) map[string]string {
	return map[string]string{
		autoscaling.ClassAnnotationKey:  autoscaling.HPA,
		autoscaling.MetricAnnotationKey: s.Metric,
		autoscaling.TargetAnnotationKey: number(s.Target),
		autoscaling.WindowAnnotationKey: duration(s.Window),
	}
}

// lambda is the nearest that KPA comes to an instance for each request at a time: the
// shortest window, panic at the least overload, and nothing taken away before it was
// idle for KeepAlive.
func lambda(s functions.Scaling) map[string]string {
	return map[string]string{
		autoscaling.ClassAnnotationKey:                    autoscaling.KPA,
		autoscaling.MetricAnnotationKey:                   functions.MetricConcurrency,
		autoscaling.TargetAnnotationKey:                   "1",
		autoscaling.TargetUtilizationPercentageKey:        "100",
		autoscaling.WindowAnnotationKey:                   autoscaling.WindowMin.String(),
		autoscaling.PanicWindowPercentageAnnotationKey:    "20",
		autoscaling.PanicThresholdPercentageAnnotationKey: number(autoscaling.PanicThresholdPercentageMin),
		autoscaling.ScaleDownDelayAnnotationKey:           duration(s.Lambda.KeepAlive),
		AnnotationAutoscaler:                              "style lambda, as near as Knative comes to it: see docs/render.md",
	}
}

// duration is d in whole seconds, as the annotations want it.
func duration(d functions.Duration) string { return seconds(d).String() }
