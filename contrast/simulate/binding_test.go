package simulate

import (
	"testing"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

func lambdaSettings(l functions.Lambda) functions.Scaling {
	f := functions.Function{Spec: functions.Spec{Scaling: functions.Scaling{Style: functions.StyleLambda, Lambda: l}}}
	return f.WithDefaults().Spec.Scaling
}

// A request that finds every instance busy waits for the one that is started for it,
// however soon a busy one would be free.
func TestRequestsOfStyleLambdaShareNoQueue(t *testing.T) {
	const s = time.Second
	const measured = functions.Seconds(s)
	settings := lambdaSettings(functions.Lambda{KeepAlive: functions.Duration(60 * s)})
	result, err := Run(Config{
		Policy:   func(now time.Time) scaling.Policy { return scaling.New(settings, now) },
		Arrivals: []time.Duration{0, 20 * s, 20*s + 50*time.Millisecond, 40 * s, 40*s + 50*time.Millisecond, 300 * s},
		Service:  Always(100 * time.Millisecond), Load: Always(10 * s),
		ContainerConcurrency: 1, For: 400 * s,
	})
	if err != nil {
		t.Fatal(err)
	}
	// The first starts the first instance, the third the second; both then serve the
	// next two at once. The last comes when both have been reclaimed.
	if result.Starts != 3 || result.Cold != 3 || result.Peak != 2 || result.Wait.P50 != 0 || result.Wait.Max != 10*measured {
		t.Errorf("%+v", result)
	}
	// Both stay a minute after their last use, the third to the end; asked every tick.
	want := (10*s + 30*s + 60*s) + (10*s + 10*s + 60*s) + 70*s + 300*time.Millisecond
	if off := time.Duration(result.Instances) - want; off < -3*scaling.Tick || off > 3*scaling.Tick {
		t.Errorf("%v instance time, want about %v", result.Instances, want)
	}
}

// With a queue that is shared a crowd at zero is served by the first instance; here
// each request of it waits for its own.
func TestACrowdAtZeroWaitsForAnInstanceEach(t *testing.T) {
	settings := lambdaSettings(functions.Lambda{})
	result, err := Run(Config{
		Policy:   func(now time.Time) scaling.Policy { return scaling.New(settings, now) },
		Arrivals: make([]time.Duration, 50), // all at once
		Service:  Always(20 * time.Millisecond), Load: Always(5 * time.Second),
		ContainerConcurrency: 1, For: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Starts != 50 || result.Wait.P50 != functions.Seconds(5*time.Second) || result.Wait.Max != result.Wait.P50 {
		t.Errorf("%+v", result)
	}
}
