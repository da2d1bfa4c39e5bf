package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/recall"
)

// invocations tell revisions of a function apart, so that a new one can be judged beside
// the old. They alone have revisions for a label: of those that have been asked within
// [keepRevision], which a rollout makes two of a function.
type invocations struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec

	mu  sync.RWMutex
	all map[invoked]*invocation
}

// invoked is which series are meant.
type invoked struct{ function, revision string }

// invocation are the series of one revision.
type invocation struct {
	ok, failed, refused prometheus.Counter
	warm, cold          prometheus.Observer
	used                atomic.Int64 // when, in nanoseconds of Unix time
}

// keepRevision is how long a revision's series stay after its last request.
const keepRevision = time.Hour

// invocationBuckets are fine, for percentiles are compared by them: 1 ms to a minute, each
// bound 1.3 times the one before.
func invocationBuckets() []float64 { return prometheus.ExponentialBuckets(.001, 1.3, 43) }

func newInvocations() *invocations {
	return &invocations{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "saccade_invocations_total",
			Help: "Requests that needed an instance of the revision by outcome: ok, failed by the revision's fault, or refused as more than it can take.",
		}, []string{"function", "revision", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "saccade_invocation_duration_seconds",
			Help:    "Time from a request's picture being there to its answer; cold where it waited for an instance to start.",
			Buckets: invocationBuckets(),
		}, []string{"function", "revision", "start"}),
		all: map[invoked]*invocation{},
	}
}

// of are the revision's series, begun at zero where there are none.
func (i *invocations) of(revision functions.Revision) *invocation {
	key := invoked{revision.Function.Metadata.Name, revision.Name}
	i.mu.RLock()
	one := i.all[key]
	if one != nil {
		one.used.Store(time.Now().UnixNano()) // locked, so that drop sees it
	}
	i.mu.RUnlock()
	if one != nil {
		return one
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if one = i.all[key]; one == nil {
		one = &invocation{
			ok:      i.requests.WithLabelValues(key.function, key.revision, "ok"),
			failed:  i.requests.WithLabelValues(key.function, key.revision, "failed"),
			refused: i.requests.WithLabelValues(key.function, key.revision, "refused"),
			warm:    i.durations.WithLabelValues(key.function, key.revision, "warm"),
			cold:    i.durations.WithLabelValues(key.function, key.revision, "cold"),
		}
		i.all[key] = one
	}
	one.used.Store(time.Now().UnixNano())
	return one
}

// answered records a request that the revision has answered. An answer that was known
// already says nothing of it.
func (i *invocations) answered(revision functions.Revision, how recall.How, cold bool, took time.Duration) {
	if how == recall.Hit {
		return
	}
	one := i.of(revision)
	one.ok.Inc()
	if cold {
		one.cold.Observe(took.Seconds())
	} else {
		one.warm.Observe(took.Seconds())
	}
}

// failed records a request that was not answered, where that is the revision's doing and
// not the caller's. A nil error is none.
func (i *invocations) failed(revision functions.Revision, err error) {
	if err == nil || errors.Is(err, errNotModified) {
		return
	}
	switch functions.KindOf(err) {
	case functions.Unavailable, functions.Timeout, functions.ColdStartTimeout:
		i.of(revision).failed.Inc()
	case functions.Internal:
		if !errors.Is(err, context.Canceled) { // else the caller left
			i.of(revision).failed.Inc()
		}
	case functions.Busy, functions.TooShort:
		i.of(revision).refused.Inc()
	}
}

// drop ends the series of revisions that have not been asked for long: they are gone, or
// might as well be.
func (i *invocations) drop(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, one := range i.all {
		if now.UnixNano()-one.used.Load() < int64(keepRevision) {
			continue
		}
		gone := prometheus.Labels{"function": key.function, "revision": key.revision}
		i.requests.DeletePartialMatch(gone)
		i.durations.DeletePartialMatch(gone)
		delete(i.all, key)
	}
}

// Describe satisfies prometheus.Collector.
func (i *invocations) Describe(ch chan<- *prometheus.Desc) {
	i.requests.Describe(ch)
	i.durations.Describe(ch)
}

// Collect satisfies prometheus.Collector.
func (i *invocations) Collect(ch chan<- prometheus.Metric) {
	i.drop(time.Now())
	i.requests.Collect(ch)
	i.durations.Collect(ch)
}
