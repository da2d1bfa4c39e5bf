package simulate

import (
	"time"

	"github.com/seed45885407/saccade/functions"
)

// series is a run by steps of time. All of it is whole numbers, so that many functions'
// series can be added in any order. A nil series is of one step that never ends.
type series struct {
	step  time.Duration
	steps []step
}

// step is counts, and times summed over instances or requests.
type step struct {
	Arrivals, Cold, Starts int64
	spending
	pending time.Duration // of starting
}

// newSeries is nil where no points are asked for.
func newSeries(points int, length time.Duration) *series {
	if points == 0 {
		return nil
	}
	width := max(1, (length+time.Duration(points)-1)/time.Duration(points))
	return &series{width, make([]step, int((length+width-1)/width))}
}

// end is when the step ends that a time lies in.
func (s *series) end(at time.Duration) time.Duration {
	if s == nil {
		return forever
	}
	return (at/s.step + 1) * s.step
}

// count is the step that a time lies in; the end of all lies in the last.
func (s *series) count(at time.Duration) *step {
	return &s.steps[min(int(at/s.step), len(s.steps)-1)]
}

// spend adds what was spent since seen to the step of a time.
func (s *series) spend(at time.Duration, spent, seen spending) {
	step := s.count(at)
	step.starting += spent.starting - seen.starting
	step.busy += spent.busy - seen.busy
	step.idle += spent.idle - seen.idle
	step.waiting += spent.waiting - seen.waiting
}

// wait says that of an instance's starting it had no node from one time to another.
func (s *series) wait(from, to time.Duration) {
	for s != nil && from < to {
		until := min(to, s.end(from))
		s.count(from).pending += until - from
		from = until
	}
}

// add adds another series of the same steps.
func (s *series) add(other *series) {
	for i, o := range other.steps {
		step := &s.steps[i]
		step.Arrivals += o.Arrivals
		step.Cold += o.Cold
		step.Starts += o.Starts
		step.starting += o.starting
		step.busy += o.busy
		step.idle += o.idle
		step.waiting += o.waiting
		step.pending += o.pending
	}
}

// points are the steps' averages.
func (s *series) points(length time.Duration) (functions.Seconds, []Point) {
	if s == nil {
		return 0, nil
	}
	var all []Point
	for n, step := range s.steps {
		at := time.Duration(n) * s.step
		width := float64(min(s.step, length-at)) // the last one may be shorter
		all = append(all, Point{
			At: functions.Seconds(at), Arrivals: step.Arrivals, Cold: step.Cold, Starts: step.Starts,
			Waiting: float64(step.waiting) / width,
			Pending: float64(step.pending) / width,
			Loading: float64(step.starting-step.pending) / width,
			Busy:    float64(step.busy) / width,
			Idle:    float64(step.idle) / width,
		})
	}
	return functions.Seconds(s.step), all
}
