package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Fleet is many functions at the same time, and the nodes they share.
type Fleet struct {
	// Functions have their own Seed and arrivals; their For is the fleet's, their Points
	// 0.
	Functions []Config
	// Nodes bound the instances. None: there is always place.
	Nodes []Node
	// Strategy places instances on Nodes. Default: LeastAllocated.
	Strategy Strategy
	For      time.Duration
	// Seed is for the nodes' failures.
	Seed uint64
	// Points is how many steps the total's Series has. Default 288: five minutes of a day.
	Points int
}

const (
	defaultPoints = 288
	// leastWindow is the shortest start that nodes allow: what is drawn shorter takes so
	// long. No container starts faster, and it bounds how often functions have to meet.
	leastWindow = 50 * time.Millisecond
	// widestWindow is how long functions go on by themselves at most, so that the
	// cores share the work evenly.
	widestWindow = time.Hour
	// together is how many functions a core takes at a time.
	together = 16
)

// RunFleet simulates f to its end, on as many cores as there are. The functions run
// beside one another, for they meet at the nodes alone.
func RunFleet(f Fleet) (FleetResult, error) {
	f.Strategy = cmp.Or(f.Strategy, LeastAllocated)
	f.Points = cmp.Or(f.Points, defaultPoints)
	f.Functions = slices.Clone(f.Functions)
	window, err := f.prepare()
	if err != nil {
		return FleetResult{}, err
	}
	run := &fleetRun{Fleet: f, window: window, next: make([]time.Duration, len(f.Functions))}
	for range runtime.GOMAXPROCS(0) {
		run.series = append(run.series, newSeries(f.Points, f.For))
		run.askers = append(run.askers, nil)
	}
	for index := range f.Functions {
		s := newSimulation(f.Functions[index], run.series[0])
		s.scarce = len(f.Nodes) > 0
		run.all = append(run.all, s)
		run.order = append(run.order, index)
	}
	if len(f.Nodes) > 0 {
		run.scheduler = newScheduler(f, run.all, run.series[0])
	}
	if err := run.run(); err != nil {
		return FleetResult{}, err
	}
	return run.result()
}

// prepare checks all functions, and says how long they may run by themselves.
func (f Fleet) prepare() (window time.Duration, err error) {
	if len(f.Functions) == 0 || f.For <= 0 || f.Points < 0 || f.Points > mostPoints {
		return 0, fmt.Errorf("simulating %d functions for %v in %d points", len(f.Functions), f.For, f.Points)
	}
	window = widestWindow
	for index := range f.Functions {
		c := &f.Functions[index]
		c.For, c.Points = f.For, 0
		if err := c.check(); err != nil {
			return 0, fmt.Errorf("function %d, %q: %w", index, c.Function, err)
		}
		if len(f.Nodes) > 0 {
			window = min(window, c.Load.Least())
		}
	}
	if len(f.Nodes) > 0 {
		err = checkNodes(f.Nodes, f.Functions, f.Strategy)
	}
	return max(window, leastWindow), err
}

// fleetRun is a fleet under way.
type fleetRun struct {
	Fleet
	window    time.Duration
	all       []*simulation
	next      []time.Duration // when each function's next event is
	order     []int           // in which functions are taken up: the longest work first
	series    []*series       // one for each core
	askers    [][]int         // by core: functions that asked the nodes for something
	scheduler *scheduler
}

func (r *fleetRun) run() error {
	for now := time.Duration(0); now < forever; {
		end := now + r.window
		if r.scheduler != nil {
			end = r.scheduler.until(end)
		}
		if err := r.until(end); err != nil {
			return err
		}
		if r.scheduler != nil {
			r.replay(end)
		}
		first := slices.Min(r.next)
		if first == forever && r.scheduler != nil && len(r.scheduler.turns) > 0 {
			first = r.scheduler.turns[0].at // a node that comes back may have place
		}
		now = max(end, first)
	}
	for _, s := range r.all {
		if left := s.waiting.len() + s.bound; left > 0 {
			return fmt.Errorf("simulating %q: %d requests wait for ever", s.Function, left)
		}
	}
	return nil
}

// replay lets the nodes answer, and sees when each function goes on.
func (r *fleetRun) replay(end time.Duration) {
	r.scheduler.replay(end, r.askers)
	for core := range r.askers {
		r.askers[core] = r.askers[core][:0]
	}
	for _, index := range r.scheduler.touched {
		r.next[index], _ = r.all[index].next()
	}
	if end < r.For { // policies are asked anyway
		return
	}
	waits := slices.ContainsFunc(r.all, func(s *simulation) bool { return s.waiting.len()+s.bound > 0 })
	for index, s := range r.all {
		s.stayAwake(waits, end)
		r.next[index], _ = s.next()
	}
}

// until runs every function until a time.
func (r *fleetRun) until(end time.Duration) error {
	if r.scheduler == nil {
		r.sort()
	}
	errs := make([]error, len(r.series))
	var taken atomic.Int64
	var wg sync.WaitGroup
	for core, into := range r.series {
		wg.Go(func() {
			for errs[core] == nil {
				from := int(taken.Add(together)) - together
				if from >= len(r.order) {
					return
				}
				for _, index := range r.order[from:min(from+together, len(r.order))] {
					if r.next[index] >= end {
						continue
					}
					s := r.all[index]
					s.series = into
					if err := s.run(end); err != nil {
						errs[core] = fmt.Errorf("function %d, %q: %w", index, s.Function, err)
						return
					}
					r.next[index], _ = s.next()
					if len(s.asked) > 0 {
						r.askers[core] = append(r.askers[core], index)
					}
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sort puts first the functions that had most to do so far: what is left for the end is
// short then, and no core waits for another.
func (r *fleetRun) sort() {
	slices.SortFunc(r.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.all[b].handled, r.all[a].handled), a-b)
	})
}

// result adds up.
func (r *fleetRun) result() (FleetResult, error) {
	var f FleetResult
	var waits, latency, cold times
	total := &f.Total
	for _, s := range r.all {
		one := s.result()
		if !total.add(one) {
			return f, errors.New("simulating more instance time than 292 years")
		}
		waits.merge(&s.waits)
		latency.merge(&s.latency)
		cold.merge(&s.coldLatency)
		f.Each = append(f.Each, one)
	}
	for _, more := range r.series[1:] {
		r.series[0].add(more)
	}
	total.Seed, total.For = r.Seed, functions.Seconds(r.For)
	total.Wait, total.Latency, total.ColdLatency = waits.spread(true), latency.spread(true), cold.spread(true)
	total.Step, total.Series = r.series[0].points(r.For)
	for _, p := range total.Series {
		total.Peak = max(total.Peak, int64(p.Pending+p.Loading+p.Busy+p.Idle+0.5))
	}
	if r.scheduler != nil {
		f.Nodes = r.scheduler.outcome()
	}
	return f, nil
}

// add adds the sums of one more function; false where they are too large.
func (r *Result) add(one Result) bool {
	if r.Policy == "" {
		r.Policy, r.Currency = one.Policy, one.Currency
	} else if r.Policy != one.Policy {
		r.Policy = "mixed"
	}
	r.Requests += one.Requests
	r.Cold += one.Cold
	r.Refused += one.Refused
	r.Retried += one.Retried
	r.Starts += one.Starts
	r.FailedStarts += one.FailedStarts
	r.Lost += one.Lost
	r.Withdrawn += one.Withdrawn
	r.Pulls += one.Pulls
	r.Handled += one.Handled
	before := r.Instances
	r.Instances += one.Instances
	r.Loading += one.Loading
	r.Busy += one.Busy
	r.Idle += one.Idle
	r.Pending += one.Pending
	r.Cost.Billed += one.Cost.Billed
	r.Cost.Idle += one.Cost.Idle
	r.Cost.Wasted += one.Cost.Wasted
	r.Cost.Request += one.Cost.Request
	r.Cost.Total += one.Cost.Total
	return r.Instances >= before
}
