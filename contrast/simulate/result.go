package simulate

import (
	"slices"
	"time"
)

// Result is what a run came to. Instance times are summed over instances, until the
// end of the measured time.
type Result struct {
	// Requests is how many there were; all were served.
	Requests int
	// Cold is how many of them arrived before the instance that took them was ready.
	Cold int
	// Starts is how many instances were started, Peak how many there were at most at a
	// time: loading, ready and finishing ones.
	Starts, Peak int
	// Instances is Loading + Busy + Idle: what is paid for.
	Instances time.Duration
	// Loading is the time before instances were ready, Busy that with one request or
	// more, Idle the rest.
	Loading, Busy, Idle time.Duration
	// Wait is from a request's arrival until an instance took it.
	Wait Waits
	// Handled is how many events the simulation went through: arrivals, ends, starts
	// and decisions.
	Handled int
}

// Waits are percentiles: the least wait that as many in a hundred did not exceed.
type Waits struct{ P50, P95, P99, Max time.Duration }

func (s *simulation) result() Result {
	slices.Sort(s.waits)
	return Result{
		Requests: len(s.waits), Cold: s.cold, Starts: s.starts, Peak: s.peak,
		Instances: s.loadingTime + s.busyTime + s.idleTime,
		Loading:   s.loadingTime, Busy: s.busyTime, Idle: s.idleTime,
		Wait: Waits{
			P50: percentile(s.waits, 50), P95: percentile(s.waits, 95),
			P99: percentile(s.waits, 99), Max: percentile(s.waits, 100),
		},
		Handled: s.handled,
	}
}

// percentile is the nearest-rank percentile of sorted values, 0 of none.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := (len(sorted)*percent + 99) / 100
	return sorted[max(rank, 1)-1]
}
