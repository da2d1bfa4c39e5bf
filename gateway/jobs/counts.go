package jobs

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
)

// counts are what is shown of jobs. Labels are functions that jobs were accepted
// for, and fixed words: a stranger cannot make series.
type counts struct {
	acceptedTotal, refusedTotal, redrivenTotal *prometheus.CounterVec
	endedTotal, retriedTotal                   *prometheus.CounterVec
	deliveredTotal                             *prometheus.CounterVec

	mu    sync.Mutex
	depth map[string]depth // by function
	away  depth            // answers on their way
	dead  uint64
}

// depth is how full a lane is.
type depth struct{ waiting, taken int64 }

func newCounts() *counts {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &counts{
		acceptedTotal:  counter("saccade_jobs_accepted_total", "Jobs that were accepted.", "function"),
		refusedTotal:   counter("saccade_jobs_refused_total", "Jobs that were refused because the function has too many.", "function"),
		redrivenTotal:  counter("saccade_jobs_redriven_total", "Dead letters that were sent round again.", "function"),
		endedTotal:     counter("saccade_jobs_ended_total", "Jobs by outcome: done, cancelled, or the kind of problem.", "function", "outcome"),
		retriedTotal:   counter("saccade_jobs_retried_total", "Attempts that failed and are made again, by the kind of problem.", "function", "kind"),
		deliveredTotal: counter("saccade_job_deliveries_total", "Deliveries of answers to sinks: done, retried, or the kind of problem they were given up for.", "outcome"),
		depth:          map[string]depth{},
	}
}

func (c *counts) accepted(function string) { c.acceptedTotal.WithLabelValues(function).Inc() }
func (c *counts) refused(function string)  { c.refusedTotal.WithLabelValues(function).Inc() }
func (c *counts) redriven(function string) { c.redrivenTotal.WithLabelValues(function).Inc() }
func (c *counts) delivered(outcome string) { c.deliveredTotal.WithLabelValues(outcome).Inc() }

func (c *counts) ended(function, outcome string) {
	c.endedTotal.WithLabelValues(function, outcome).Inc()
}

func (c *counts) retried(function string, kind functions.Kind) {
	c.retriedTotal.WithLabelValues(function, string(kind)).Inc()
}

// count reads how full the lanes are, for the metrics and for what may be accepted.
func (j *Jobs) count(ctx context.Context, l *link) {
	ctx, cancel := context.WithTimeout(ctx, j.opts.StoreTimeout)
	defer cancel()
	j.mu.Lock()
	lanes := make([]*lane, 0, len(j.lanes))
	for _, found := range j.lanes {
		lanes = append(lanes, found)
	}
	j.mu.Unlock()
	byFunction, away := map[string]depth{}, depth{}
	for _, found := range lanes {
		d, err := found.count(ctx)
		if err != nil {
			return // it is asked again
		}
		if found.stream == queue {
			byFunction[found.key] = d
			continue
		}
		away.waiting, away.taken = away.waiting+d.waiting, away.taken+d.taken
	}
	info, err := l.streams[dead].Info(ctx)
	if err != nil {
		return
	}
	j.counts.mu.Lock()
	defer j.counts.mu.Unlock()
	j.counts.depth, j.counts.away, j.counts.dead = byFunction, away, info.State.Msgs
}

// count is how full a lane is.
func (l *lane) count(ctx context.Context) (depth, error) {
	l.counting.Lock()
	defer l.counting.Unlock()
	info, err := l.consumer.Info(ctx)
	if err != nil {
		return depth{}, fmt.Errorf("counting the lane %s: %w", l.key, err)
	}
	d := depth{int64(info.NumPending), int64(info.NumAckPending)}
	l.waiting.Store(d.waiting + d.taken)
	return d, nil
}

var (
	jobsDesc = prometheus.NewDesc("saccade_jobs",
		"Jobs of a function that have not ended: waiting, or taken by a gateway (in work, or pausing before another try).",
		[]string{"function", "state"}, nil)
	answersDesc = prometheus.NewDesc("saccade_job_answers",
		"Answers on their way to a sink: waiting, or taken.", []string{"state"}, nil)
	deadDesc = prometheus.NewDesc("saccade_jobs_dead_letters", "Dead letters that are kept.", nil, nil)
	upDesc   = prometheus.NewDesc("saccade_jobs_store_up", "Whether jobs can be stored: 0 while the store is being mended.", nil, nil)
)

func (c *counts) vectors() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{
		c.acceptedTotal, c.refusedTotal, c.redrivenTotal, c.endedTotal, c.retriedTotal, c.deliveredTotal,
	}
}

// Describe satisfies prometheus.Collector.
func (j *Jobs) Describe(ch chan<- *prometheus.Desc) {
	for _, v := range j.counts.vectors() {
		v.Describe(ch)
	}
	for _, d := range []*prometheus.Desc{jobsDesc, answersDesc, deadDesc, upDesc} {
		ch <- d
	}
}

// Collect satisfies prometheus.Collector.
func (j *Jobs) Collect(ch chan<- prometheus.Metric) {
	for _, v := range j.counts.vectors() {
		v.Collect(ch)
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	up := 1.0
	if _, err := j.link(); err != nil {
		up = 0
	}
	gauge(upDesc, up)
	j.counts.mu.Lock()
	defer j.counts.mu.Unlock()
	for function, d := range j.counts.depth {
		gauge(jobsDesc, float64(d.waiting), function, "waiting")
		gauge(jobsDesc, float64(d.taken), function, "taken")
	}
	gauge(answersDesc, float64(j.counts.away.waiting), "waiting")
	gauge(answersDesc, float64(j.counts.away.taken), "taken")
	gauge(deadDesc, float64(j.counts.dead))
}
