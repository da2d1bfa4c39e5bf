package scaling

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
	knative "knative.dev/serving/pkg/autoscaler/scaling"

	"github.com/seed45885407/saccade/functions"
)

// What Knative's cluster-wide ConfigMap config-autoscaler says by default of the
// things a Revision cannot set.
const (
	maxScaleUpRate      = 1000
	maxScaleDownRate    = 2
	targetBurstCapacity = 211
	scrapeInterval      = time.Second
)

// KPA is Knative's own autoscaler, its library called as it is: this type only
// measures what Knative's collector would scrape of activator and queue-proxy
// (requests that have arrived and are not over, waiting or not, each second), wakes
// from zero as the activator's poke does, and keeps one instance while a request is
// there.
//
// The library counts its decisions in metrics through a goroutine that it starts
// with the program; so a KPA cannot be called inside a testing/synctest bubble.
type KPA struct {
	scaling  functions.Scaling
	kpa      knative.UniScaler
	log      *zap.SugaredLogger
	requests *stats.RequestStats

	// stable and panicking are the windows of the metric that the function scales by.
	stable, panicking *aggregation.TimedFloat64Buckets
	recorded          bool
	nextScrape        time.Time

	instances map[int]bool // true: ready
	ready     int
	present   int // requests
	wanted    int
	idleSince time.Time
}

// NewKPA is a KPA for a Revision that exists from now on. The settings are complete:
// functions.WithDefaults has been applied.
func NewKPA(s functions.Scaling, now time.Time) *KPA {
	window := time.Duration(s.Window)
	panicWindow := max(scrapeInterval, time.Duration(float64(window)*s.PanicWindowPercentage/100))
	k := &KPA{
		scaling:    s,
		log:        zap.NewNop().Sugar(),
		requests:   stats.NewRequestStats(now),
		stable:     aggregation.NewTimedFloat64Buckets(window, scrapeInterval),
		panicking:  aggregation.NewTimedFloat64Buckets(panicWindow, scrapeInterval),
		nextScrape: now.Add(scrapeInterval),
		instances:  map[int]bool{},
		wanted:     s.MinScale,
		idleSince:  now,
	}
	metric := autoscaling.Concurrency
	if s.Metric == "rps" {
		metric = autoscaling.RPS
	}
	k.kpa = knative.New(context.Background(), "local", "revision", client{k}, counter{k}, &knative.DeciderSpec{
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
	return k
}

// Tell is part of Policy. Only the first request at zero is urgent.
func (k *KPA) Tell(e Event) (urgent bool) {
	k.scrape(e.At)
	switch e.What {
	case Arrived:
		k.requests.HandleEvent(stats.ReqEvent{Time: e.At, Type: stats.ReqIn})
		k.present++
		k.idleSince = e.At
	case Left:
		k.requests.HandleEvent(stats.ReqEvent{Time: e.At, Type: stats.ReqOut})
		k.present--
		k.idleSince = e.At
	case Starting:
		k.instances[e.Instance] = false
	case Ready:
		if isReady, known := k.instances[e.Instance]; known && !isReady {
			k.instances[e.Instance] = true
			k.ready++
		}
	case Ended:
		if k.instances[e.Instance] {
			k.ready--
		}
		delete(k.instances, e.Instance)
	}
	return k.wanted == 0 && k.present > 0
}

// Decide is part of Policy.
func (k *KPA) Decide(now time.Time) Decision {
	k.scrape(now)
	if k.wanted == 0 && k.present > 0 {
		k.wanted = bound(1, k.scaling)
		return Decision{Instances: k.wanted, Reason: because("a request arrived at zero")}
	}
	result := k.kpa.Scale(k.log, now)
	if !result.ScaleValid {
		return Decision{Instances: k.wanted, Reason: because("nothing has been measured yet")}
	}
	stable, panicking := k.averages(now)
	wanted := int(result.DesiredPodCount)
	reason := because("the KPA wants %.0f: the metric is %.2f over the stable window and %.2f over the panic window, the target %.2f",
		float64(wanted), stable, panicking, k.scaling.Target*k.scaling.TargetUtilization/100)
	switch {
	case k.present > 0:
		k.idleSince = now
		wanted = max(wanted, 1)
	case wanted == 0 && now.Sub(k.idleSince) < time.Duration(k.scaling.ScaleToZeroPodRetention):
		wanted = min(1, k.wanted)
		reason = because("the last instance is kept for the retention time, idle for %.0f s so far", now.Sub(k.idleSince).Seconds())
	}
	k.wanted = bound(wanted, k.scaling)
	d := Decision{Instances: k.wanted, Reason: reason}
	if k.wanted == 0 {
		// The windows are empty and panic is over: more of nothing changes nothing.
		d.Rest = Forever
	}
	return d
}

// scrape closes the intervals of measuring that are over at now.
func (k *KPA) scrape(now time.Time) {
	for !k.nextScrape.After(now) {
		report := k.requests.Report(k.nextScrape)
		value := report.AverageConcurrency
		if k.scaling.Metric == "rps" {
			value = report.RequestCount
		}
		k.stable.Record(k.nextScrape, value)
		k.panicking.Record(k.nextScrape, value)
		k.recorded = true
		k.nextScrape = k.nextScrape.Add(scrapeInterval)
		// Of a long time without requests only as many zeros as the window holds
		// are of any use.
		if useful := time.Duration(k.scaling.Window) + 2*scrapeInterval; k.present == 0 {
			if skip := now.Sub(k.nextScrape) - useful; skip > 0 {
				k.nextScrape = k.nextScrape.Add(skip.Truncate(scrapeInterval))
			}
		}
	}
}

func (k *KPA) averages(now time.Time) (stable, panicking float64) {
	return k.stable.WindowAverage(now), k.panicking.WindowAverage(now)
}

// counter tells the library how many instances there are.
type counter struct{ *KPA }

func (c counter) ReadyCount() (int, error)    { return c.ready, nil }
func (c counter) NotReadyCount() (int, error) { return len(c.instances) - c.ready, nil }

// client tells the library what was measured.
type client struct{ k *KPA }

func (c client) StableAndPanicConcurrency(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return c.measured(now)
}

func (c client) StableAndPanicRPS(_ types.NamespacedName, now time.Time) (float64, float64, error) {
	return c.measured(now)
}

func (c client) measured(now time.Time) (float64, float64, error) {
	if !c.k.recorded {
		return 0, 0, fmt.Errorf("averaging: %w", metrics.ErrNoData)
	}
	stable, panicking := c.k.averages(now)
	return stable, panicking, nil
}
