package local

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/networking/pkg/http/stats"
	"knative.dev/serving/pkg/apis/autoscaling"
	"knative.dev/serving/pkg/autoscaler/aggregation"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	"knative.dev/serving/pkg/resources"

	"github.com/seed45885407/saccade/functions"
)

// What Knative's cluster-wide ConfigMap config-autoscaler says by default of the
// things a Revision cannot set, and how often its autoscaler looks.
const (
	maxScaleUpRate      = 1000
	maxScaleDownRate    = 2
	targetBurstCapacity = 211
	scrapeInterval      = time.Second
	decideEvery         = 2 // scrapes
)

// autoscaler is Knative's own KPA over the requests of one revision: the library
// decides, this type only measures what Knative's collector would scrape.
type autoscaler struct {
	kpa      scaling.UniScaler
	requests *stats.RequestStats

	concurrency, panicConcurrency *aggregation.TimedFloat64Buckets
	rps, panicRPS                 *aggregation.TimedFloat64Buckets
	recorded                      bool
}

// counter tells the KPA how many instances there are.
type counter struct{ ready, starting func() int }

func (c counter) ReadyCount() (int, error)    { return c.ready(), nil }
func (c counter) NotReadyCount() (int, error) { return c.starting(), nil }

// newKPA is scaling.New, or what the tests put around it.
type newKPA func(ctx context.Context, namespace, revision string, client metrics.MetricClient,
	count resources.EndpointsCounter, spec *scaling.DeciderSpec) scaling.UniScaler

// newAutoscaler makes the KPA for a revision. The counts are asked for inside
// decide.
func newAutoscaler(kpa newKPA, rev functions.Revision, count counter, now time.Time) *autoscaler {
	s := rev.Function.Spec.Scaling
	window := time.Duration(s.Window)
	panicWindow := max(scrapeInterval, time.Duration(float64(window)*s.PanicWindowPercentage/100))
	a := &autoscaler{
		requests:         stats.NewRequestStats(now),
		concurrency:      aggregation.NewTimedFloat64Buckets(window, scrapeInterval),
		panicConcurrency: aggregation.NewTimedFloat64Buckets(panicWindow, scrapeInterval),
		rps:              aggregation.NewTimedFloat64Buckets(window, scrapeInterval),
		panicRPS:         aggregation.NewTimedFloat64Buckets(panicWindow, scrapeInterval),
	}
	metric := autoscaling.Concurrency
	if s.Metric == "rps" {
		metric = autoscaling.RPS
	}
	a.kpa = kpa(context.Background(), "local", rev.Name, a, count, &scaling.DeciderSpec{
		MaxScaleUpRate:      maxScaleUpRate,
		MaxScaleDownRate:    maxScaleDownRate,
		ScalingMetric:       metric,
		TargetValue:         s.Target * s.TargetUtilization / 100,
		TotalValue:          s.Target,
		TargetBurstCapacity: targetBurstCapacity,
		PanicThreshold:      s.PanicThresholdPercentage / 100,
		StableWindow:        window,
		ScaleDownDelay:      time.Duration(s.ScaleDownDelay),
		Reachable:           true,
	})
	return a
}

// arrived and left count a request, waiting or not: as the activator and the
// queue-proxy do together.
func (a *autoscaler) arrived(now time.Time) {
	a.requests.HandleEvent(stats.ReqEvent{Time: now, Type: stats.ReqIn})
}

func (a *autoscaler) left(now time.Time) {
	a.requests.HandleEvent(stats.ReqEvent{Time: now, Type: stats.ReqOut})
}

// scrape closes one interval of measuring.
func (a *autoscaler) scrape(now time.Time) {
	report := a.requests.Report(now)
	a.concurrency.Record(now, report.AverageConcurrency)
	a.panicConcurrency.Record(now, report.AverageConcurrency)
	a.rps.Record(now, report.RequestCount)
	a.panicRPS.Record(now, report.RequestCount)
	a.recorded = true
}

// decide is how many instances the KPA wants, or false where it cannot tell.
func (a *autoscaler) decide(now time.Time) (int, bool) {
	result := a.kpa.Scale(zap.NewNop().Sugar(), now)
	return int(result.DesiredPodCount), result.ScaleValid
}

// StableAndPanicConcurrency is for the KPA: averages over both windows.
func (a *autoscaler) StableAndPanicConcurrency(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return a.averages(a.concurrency, a.panicConcurrency, now)
}

// StableAndPanicRPS is for the KPA: averages over both windows.
func (a *autoscaler) StableAndPanicRPS(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return a.averages(a.rps, a.panicRPS, now)
}

func (a *autoscaler) averages(stable, panicking *aggregation.TimedFloat64Buckets, now time.Time) (float64, float64, error) {
	if !a.recorded {
		return 0, 0, fmt.Errorf("averaging: %w", metrics.ErrNoData)
	}
	return stable.WindowAverage(now), panicking.WindowAverage(now), nil
}
