package drift

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

var (
	statisticDesc = prometheus.NewDesc("saccade_drift",
		"How far the newest pictures of a function are from its reference: the distance of Kolmogorov and Smirnov, or of class and detections the population stability index.",
		[]string{"function", "signal"}, nil)
	thresholdDesc = prometheus.NewDesc("saccade_drift_threshold",
		"What saccade_drift has to reach.", []string{"function", "signal"}, nil)
	driftedDesc = prometheus.NewDesc("saccade_drifted",
		"1 where the signal has drifted, else 0.", []string{"function", "signal"}, nil)
	picturesDesc = prometheus.NewDesc("saccade_drift_pictures",
		"Pictures that are compared: of the reference, and recent ones.", []string{"function", "of"}, nil)
)

// Describe satisfies prometheus.Collector.
func (r *Room) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{statisticDesc, thresholdDesc, driftedDesc, picturesDesc} {
		ch <- desc
	}
}

// Collect satisfies prometheus.Collector. A signal that cannot be judged has no
// statistic, and none that drifted is forgotten for that.
func (r *Room) Collect(ch chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, w := range r.all() {
		report := w.report(functions.Drift{})
		send(picturesDesc, float64(report.Reference), report.Function, "reference")
		send(picturesDesc, float64(report.Recent), report.Function, "recent")
		for _, s := range report.Signals {
			drifted := 0.
			if s.Drifted {
				drifted = 1
			}
			send(driftedDesc, drifted, report.Function, s.Signal)
			if s.Known {
				send(statisticDesc, s.Statistic, report.Function, s.Signal)
				send(thresholdDesc, s.Threshold, report.Function, s.Signal)
			}
		}
	}
}
