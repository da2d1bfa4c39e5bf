package replay

import (
	"slices"
	"time"

	"github.com/seed45885407/saccade/contrast/simulate"
	"github.com/seed45885407/saccade/functions"
)

// Result is the replay in the simulation's words, in so many points of time. Busy and Idle
// are the platform's: of an instance that takes n requests at a time each uses 1/n, and
// frozen time is idle.
func (o Outcome) Result(points int) simulate.Result {
	used := o.Used
	r := simulate.Result{
		Function: used.Function, Trace: o.Plan.Trace, For: functions.Seconds(o.Plan.For),
		Starts:  used.Starts,
		Loading: functions.Seconds(used.Starting), Busy: functions.Seconds(used.Busy),
		Idle: functions.Seconds(used.Idle + used.Frozen), Instances: functions.Seconds(used.Lived()),
	}
	var latency, cold, waits []time.Duration
	for _, q := range o.Requests {
		switch {
		case q.Kind != "":
			r.Refused++
			continue
		case q.Cold:
			r.Cold++
			cold = append(cold, q.Latency)
		}
		r.Requests++
		latency, waits = append(latency, q.Latency), append(waits, time.Duration(q.Timing.Wait))
	}
	r.Latency, r.ColdLatency, r.Wait = spread(latency), spread(cold), spread(waits)
	for _, s := range o.Samples {
		r.Peak = max(r.Peak, int64(s.Ready+s.Starting))
	}
	r.Step, r.Series = o.series(points)
	return r
}

// Seen is the time of instances as the samples saw them, each until the next: for a platform
// that does not count it itself. An instance is busy there if there are as many requests.
func (o Outcome) Seen() functions.Usage {
	used := functions.Usage{Function: o.Used.Function, Held: o.Used.Held}
	for n, s := range o.Samples {
		until := o.Plan.For
		if n+1 < len(o.Samples) {
			until = min(until, o.Samples[n+1].At)
		}
		spent, busy := max(0, until-s.At), min(s.Ready, s.InFlight)
		used.Busy += spent * time.Duration(busy)
		used.Idle += spent * time.Duration(s.Ready-busy)
		used.Starting += spent * time.Duration(s.Starting)
	}
	return used
}

// Starts are the starts that a request waited for, each once.
func (o Outcome) Starts() []functions.Start {
	var all []functions.Start
	for _, q := range o.Requests {
		if q.Timing.Start != nil && !slices.Contains(all, *q.Timing.Start) {
			all = append(all, *q.Timing.Start)
		}
	}
	return all
}

// Refused counts the requests without an answer by why.
func (o Outcome) Refused() map[functions.Kind]int {
	kinds := map[functions.Kind]int{}
	for _, q := range o.Requests {
		if q.Kind != "" {
			kinds[q.Kind]++
		}
	}
	return kinds
}

// Latest is how much later than it was due a request left, at worst: where it is not
// small the machine had no time for whoever played the plan.
func (o Outcome) Latest() time.Duration {
	var latest time.Duration
	for _, q := range o.Requests {
		latest = max(latest, q.Late)
	}
	return latest
}

// PeakMemory is the most that one instance was seen to hold, on average over those
// that were there together.
func (o Outcome) PeakMemory() int64 {
	var most int64
	for _, s := range o.Samples {
		if n := s.Ready + s.Starting; n > 0 {
			most = max(most, s.Memory/int64(n))
		}
	}
	return most
}

// spread is by nearest rank, as the simulation's.
func spread(values []time.Duration) simulate.Spread {
	if len(values) == 0 {
		return simulate.Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := func(tenths int) functions.Seconds {
		return functions.Seconds(sorted[max(1, (len(sorted)*tenths+999)/1000)-1])
	}
	s := simulate.Spread{P50: rank(500), P90: rank(900), P95: rank(950), P99: rank(990), P999: rank(999), Max: rank(1000)}
	var sum float64
	for _, v := range sorted {
		sum += float64(v)
		if last := len(s.Bars) - 1; last >= 0 && s.Bars[last].UpTo == functions.Seconds(v) {
			s.Bars[last].Count++
		} else {
			s.Bars = append(s.Bars, simulate.Bar{UpTo: functions.Seconds(v), Count: 1})
		}
	}
	s.Mean = functions.Seconds(sum / float64(len(sorted)))
	return s
}

// series has arrivals counted, and instances as the samples saw them.
func (o Outcome) series(points int) (functions.Seconds, []simulate.Point) {
	if points <= 0 {
		return 0, nil
	}
	step := max(1, (o.Plan.For+time.Duration(points)-1)/time.Duration(points))
	all := make([]simulate.Point, int((o.Plan.For+step-1)/step))
	for n := range all {
		all[n].At = functions.Seconds(time.Duration(n) * step)
	}
	place := func(at time.Duration) *simulate.Point { return &all[min(len(all)-1, int(at/step))] }
	for _, q := range o.Requests {
		place(q.At).Arrivals++
		if q.Cold {
			place(q.At+q.Latency).Cold++
		}
	}
	seen := make([]int, len(all))
	for _, s := range o.Samples {
		n := min(len(all)-1, int(s.At/step))
		seen[n]++
		p, busy := &all[n], min(s.Ready, s.InFlight)
		p.Waiting += float64(s.Waiting)
		p.Loading += float64(s.Starting)
		p.Busy += float64(busy)
		p.Idle += float64(s.Ready - busy)
	}
	for n := range all {
		if seen[n] == 0 {
			if n > 0 { // nothing was looked at within the step: it is as it was
				before := all[n-1]
				all[n].Waiting, all[n].Loading, all[n].Busy, all[n].Idle = before.Waiting, before.Loading, before.Busy, before.Idle
			}
			continue
		}
		k := float64(seen[n])
		all[n].Waiting /= k
		all[n].Loading /= k
		all[n].Busy /= k
		all[n].Idle /= k
	}
	return functions.Seconds(step), all
}
