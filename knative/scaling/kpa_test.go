package scaling_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/networking/pkg/http/stats"
	"knative.dev/serving/pkg/autoscaler/aggregation"
	knative "knative.dev/serving/pkg/autoscaler/scaling"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/knative/scaling"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func defaults(containerConcurrency int) functions.Scaling {
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

// original is Knative's autoscaler driven by hand: scraped every second and asked
// every two, whether there is anything to see or not.
type original struct {
	knative.UniScaler
	requests       *stats.RequestStats
	stable, panics *aggregation.TimedFloat64Buckets
	byRPS          bool
	ready          int
}

func (o *original) ReadyCount() (int, error)    { return o.ready, nil }
func (o *original) NotReadyCount() (int, error) { return 0, nil }

func (o *original) StableAndPanicConcurrency(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return o.stable.WindowAverage(now), o.panics.WindowAverage(now), nil
}

func (o *original) StableAndPanicRPS(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return o.stable.WindowAverage(now), o.panics.WindowAverage(now), nil
}

func newOriginal(s functions.Scaling) *original {
	window := time.Duration(s.Window)
	panicWindow := max(time.Second, time.Duration(float64(window)*s.PanicWindowPercentage/100))
	o := &original{
		requests: stats.NewRequestStats(began),
		stable:   aggregation.NewTimedFloat64Buckets(window, time.Second),
		panics:   aggregation.NewTimedFloat64Buckets(panicWindow, time.Second),
		byRPS:    s.Metric == "rps",
	}
	o.UniScaler = knative.New(context.Background(), "a", "b", o, o, &knative.DeciderSpec{
		MaxScaleUpRate: 1000, MaxScaleDownRate: 2, ScalingMetric: s.Metric,
		TargetValue: s.Target * s.TargetUtilization / 100, TotalValue: s.Target,
		TargetBurstCapacity: 211, PanicThreshold: s.PanicThresholdPercentage / 100,
		StableWindow: window, ScaleDownDelay: time.Duration(s.ScaleDownDelay), Reachable: true,
	})
	return o
}

func (o *original) scrape(now time.Time) {
	report := o.requests.Report(now)
	value := report.AverageConcurrency
	if o.byRPS {
		value = report.RequestCount
	}
	o.stable.Record(now, value)
	o.panics.Record(now, value)
}

// A random load, with pauses long enough to go to zero, is told to both; instances
// become ready when they like. The policy is left alone while it rests.
func TestKPAEqualsTheOriginalOnRandomTraces(t *testing.T) {
	traces := 1000
	if testing.Short() {
		traces = 50
	}
	atZero, atMost := 0, 0
	for seed := range uint64(traces) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := randomSettings(r)
		policy, original := scaling.NewKPA(s, began), newOriginal(s)
		present, instances, ready, wanted := 0, 0, 0, 0
		var rest time.Time
		act := func(now time.Time, what scaling.What, number int) bool {
			rest = time.Time{}
			return policy.Tell(scaling.Event{What: what, At: now, Instance: number})
		}
		busyUntil, rate := 0, 0.0
		for step := range 3000 { // of 100 ms
			now := began.Add(time.Duration(step) * 100 * time.Millisecond)
			if step >= busyUntil {
				busyUntil, rate = step+r.IntN(900), []float64{0, 0, 0.02, 0.5, 3}[r.IntN(5)]
			}
			if step > 0 && step%10 == 0 {
				original.scrape(now)
			}
			if step > 0 && step%20 == 0 {
				want := theirs(original, now, s, present)
				if !rest.After(now) {
					d := policy.Decide(now)
					wanted, rest = d.Instances, time.Time{}
					if d.Rest > 0 {
						rest = now.Add(min(d.Rest, 24*time.Hour))
					}
				}
				if wanted != want {
					t.Fatalf("seed %d, %v: the policy wants %d, the original %d", seed, now.Sub(began), wanted, want)
				}
				atMost = max(atMost, wanted)
				if wanted == 0 {
					atZero++
				}
			}
			for ; instances < wanted; instances++ {
				act(now, scaling.Starting, instances)
			}
			for ; ready < instances && r.Float64() < 0.1; ready++ {
				act(now, scaling.Ready, ready)
			}
			for ; ready > wanted; ready, instances = ready-1, instances-1 {
				// The last ready number is taken by one that is loading.
				act(now, scaling.Ended, ready-1)
				if instances > ready {
					act(now, scaling.Ended, instances-1)
					act(now, scaling.Starting, ready-1)
				}
			}
			original.ready = ready
			later := now.Add(time.Duration(r.IntN(100)) * time.Millisecond)
			for n := r.Float64() * 2 * rate; r.Float64() < n; n-- {
				original.requests.HandleEvent(stats.ReqEvent{Time: later, Type: stats.ReqIn})
				present++
				if act(later, scaling.Arrived, -1) != (wanted == 0) {
					t.Fatalf("seed %d, %v: a request with %d wanted is urgent, or it is not", seed, now.Sub(began), wanted)
				}
				if wanted == 0 {
					wanted = policy.Decide(later).Instances
				}
			}
			for present > 0 && ready > 0 && r.Float64() < 0.5 {
				original.requests.HandleEvent(stats.ReqEvent{Time: later, Type: stats.ReqOut})
				present--
				act(later, scaling.Left, -1)
			}
		}
	}
	if atZero < traces || atMost < 20 {
		t.Errorf("the traces are too tame: %d ticks at zero, %d instances at most", atZero, atMost)
	}
}

func randomSettings(r *rand.Rand) functions.Scaling {
	s := defaults(1 + r.IntN(3))
	s.Window = functions.Duration(time.Duration(6+r.IntN(60)) * time.Second)
	s.ScaleDownDelay = functions.Duration(time.Duration(r.IntN(2)*r.IntN(30)) * time.Second)
	s.MaxScale = r.IntN(2) * (1 + r.IntN(40))
	if r.IntN(4) == 0 {
		s.Metric, s.Target = "rps", 5
	}
	return s
}

// theirs is the original's answer within the function's bounds, and one at least
// while there are requests.
func theirs(o *original, now time.Time, s functions.Scaling, present int) int {
	wanted := int(o.Scale(zap.NewNop().Sugar(), now).DesiredPodCount)
	if present > 0 {
		wanted = max(wanted, 1)
	}
	if s.MaxScale > 0 {
		wanted = min(wanted, s.MaxScale)
	}
	return wanted
}

func TestKPA(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*functions.Scaling)
		present int           // requests that come at once and stay
		ready   int           // instances that are ready then
		after   time.Duration // the last tick
		want    int
		why     string
	}{
		{"wants nothing where nothing came", nil, 0, 0, 60 * time.Second, 0, "the KPA wants 0"},
		{"counts waiting requests as load", nil, 70, 0, 60 * time.Second, 100, "the KPA wants 100"},
		{"panics where the load of six seconds is twice what is there", nil, 14, 1, 8 * time.Second, 20, "14.00 over the panic window"},
		{"keeps to maxScale", func(s *functions.Scaling) { s.MaxScale = 7 }, 70, 0, 60 * time.Second, 7, ""},
		{"keeps to minScale", func(s *functions.Scaling) { s.MinScale = 2 }, 0, 2, 10 * time.Minute, 2, ""},
		{"takes no more than half away at once", nil, 1, 10, 60 * time.Second, 5, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := defaults(1)
			if test.change != nil {
				test.change(&s)
			}
			p := scaling.NewKPA(s, began)
			for i := range test.ready {
				p.Tell(scaling.Event{What: scaling.Starting, At: began, Instance: i})
				p.Tell(scaling.Event{What: scaling.Ready, At: began, Instance: i})
			}
			for range test.present {
				p.Tell(scaling.Event{What: scaling.Arrived, At: began})
			}
			var d scaling.Decision
			for at := scaling.Tick; at <= test.after; at += scaling.Tick {
				d = p.Decide(began.Add(at))
			}
			if d.Instances != test.want || !strings.Contains(d.Reason.String(), test.why) {
				t.Errorf("got %d (%s), want %d (%s)", d.Instances, d.Reason, test.want, test.why)
			}
		})
	}
}

// The zeros of a long rest are in the windows as if they had been scraped one by one.
func TestKPARemembersThatItRested(t *testing.T) {
	s := defaults(1)
	s.PanicThresholdPercentage = 1000
	p := scaling.NewKPA(s, began)
	p.Decide(began.Add(scaling.Tick))
	woken := began.Add(10 * time.Minute)
	for range 6 {
		p.Tell(scaling.Event{What: scaling.Arrived, At: woken})
	}
	p.Decide(woken)
	// Six for ten seconds of a minute: 1.0, of which an instance takes 0.7.
	if d := p.Decide(woken.Add(10 * time.Second)); d.Instances != 2 || !strings.Contains(d.Reason.String(), "1.00 over the stable window") {
		t.Errorf("%d: %s", d.Instances, d.Reason)
	}
}

// One request at zero: at 70 % it is more than an instance's share. What the autoscaler saw
// before, of which there is nothing where its windows begin with the request, puts that off
// (docs/cluster-gateway.md).
func TestOneRequestAtZero(t *testing.T) {
	for _, tt := range []struct {
		name        string
		idle, stays time.Duration
		utilisation float64
		most        int
	}{
		{"the windows begin with it", 0, 2 * time.Second, functions.DefaultTargetUtilization, 2},
		{"it had been idle for a while", time.Minute, 2 * time.Second, functions.DefaultTargetUtilization, 1},
		{"and the request stays", time.Minute, 20 * time.Second, functions.DefaultTargetUtilization, 2},
		{"at 100 % one is enough", 0, 20 * time.Second, 100, 1},
	} {
		s := defaults(1)
		s.TargetUtilization = tt.utilisation
		p := scaling.NewKPA(s, began)
		most := 0
		decide := func(from, to time.Duration) {
			for at := from; at < to; at += scaling.Tick {
				most = max(most, p.Decide(began.Add(at)).Instances)
			}
		}
		decide(0, tt.idle)
		p.Tell(scaling.Event{What: scaling.Arrived, At: began.Add(tt.idle)})
		decide(tt.idle, tt.idle+tt.stays)
		p.Tell(scaling.Event{What: scaling.Left, At: began.Add(tt.idle + tt.stays)})
		decide(tt.idle+tt.stays, tt.idle+tt.stays+10*time.Second)
		if most != tt.most {
			t.Errorf("%s: %d instances, want %d", tt.name, most, tt.most)
		}
	}
}
