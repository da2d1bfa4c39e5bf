package simulate_test

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

// settings are Knative's defaults for a containerConcurrency.
func settings(containerConcurrency int) functions.Scaling {
	return functions.Scaling{
		ContainerConcurrency:     containerConcurrency,
		Metric:                   functions.DefaultMetric,
		Target:                   float64(containerConcurrency),
		TargetUtilization:        functions.DefaultTargetUtilization,
		Window:                   functions.Duration(functions.DefaultWindow),
		PanicWindowPercentage:    functions.DefaultPanicWindowPercentage,
		PanicThresholdPercentage: functions.DefaultPanicThresholdPercentage,
	}
}

func kpa(s functions.Scaling) func(time.Time) scaling.Policy {
	return func(now time.Time) scaling.Policy { return scaling.NewKPA(s, now) }
}

func startupAware(s functions.Scaling) func(time.Time) scaling.Policy {
	return func(now time.Time) scaling.Policy { return scaling.NewStartupAware(s, now) }
}

func run(t testing.TB, c simulate.Config) simulate.Result {
	t.Helper()
	result, err := simulate.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
