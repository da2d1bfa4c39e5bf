package scaling_test

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// A function made for a cluster's horizontal pod autoscaler is counted in requests
// here: three at once at one a pod are three instances, not a share of a CPU.
func TestAFunctionForHPAScalesByRequests(t *testing.T) {
	f := functions.Function{}
	f.Spec.Scaling = functions.Scaling{Autoscaler: functions.AutoscalerHPA, ContainerConcurrency: 1, TargetUtilization: 100}
	now := time.Unix(1, 0)
	policy := scaling.New(f.WithDefaults().Spec.Scaling, now)
	for range 3 {
		policy.Tell(scaling.Event{What: scaling.Arrived, At: now})
	}
	var d scaling.Decision
	for range 5 {
		now = now.Add(scaling.Tick)
		d = policy.Decide(now)
	}
	if d.Instances != 3 {
		t.Errorf("%d instances: %s", d.Instances, d.Reason)
	}
}
