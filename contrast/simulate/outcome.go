package simulate

import "github.com/seed45885407/saccade/functions"

// result is what the run has come to, without its series.
func (s *simulation) result() Result {
	s.pass(max(s.now, s.For))
	r := Result{
		Function: s.Function, Policy: s.PolicyName, Trace: s.Trace, Seed: s.Seed, For: functions.Seconds(s.For),
		Requests: s.waits.count, Cold: s.coldLatency.count, Refused: s.counts.refused, Retried: s.counts.retried,
		Starts: s.starts, FailedStarts: s.counts.failedStarts, Lost: s.counts.lost, Withdrawn: s.counts.withdrawn,
		Pulls: s.counts.pulls, Peak: s.peak,
		Loading: functions.Seconds(s.spent.starting - s.counts.pending),
		Busy:    functions.Seconds(s.spent.busy),
		Idle:    functions.Seconds(s.spent.idle),
		Pending: functions.Seconds(s.counts.pending),
		Wait:    s.waits.spread(s.Points > 0),
		Latency: s.latency.spread(s.Points > 0),
		Handled: s.handled,

		ColdLatency: s.coldLatency.spread(s.Points > 0),
	}
	r.Instances = r.Loading + r.Busy + r.Idle
	if s.Prices != nil {
		r.Currency, r.Cost = s.Prices.Currency, s.cost(r)
	}
	return r
}
