package simulate

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// scheduler places instances on nodes: what kube-scheduler, kubelet and the nodes'
// failures are to functions. It works window by window: functions run by themselves for
// a window and say what they ask and give back; then all that is replayed in order of
// time, those of the same time in the functions' order. A window is no longer than the
// shortest start, so that whatever is placed in it is ready after it: no function could
// have known sooner.
type scheduler struct {
	strategy Strategy
	nodes    []*node
	length   time.Duration
	all      []*simulation
	images   []int // of each function
	series   *series
	turns    []turnOfNode // to come

	lines  []*line // those that wait for place
	queued int64   // how many do
	now    time.Duration
	end    time.Duration // of the window
	// touched are the functions to which something happens after the window.
	touched []int
	result  NodesResult
	used    [3]float64 // cores, bytes, GPUs x nanoseconds
	free    [3]float64 // now, of the nodes that are there
	whole   [3]float64
}

type ask struct {
	placing
	function int
}

// line is the instances that hold the same and wait, the oldest first; those that were
// given up stay in it until they are first. Where one has no place none of them has.
type line struct {
	held functions.Held
	asks []ask
	full bool // it was tried in vain
}

// turnOfNode is a node's failing or coming back.
type turnOfNode struct {
	at   time.Duration
	node int
	back bool
}

func newScheduler(f Fleet, all []*simulation, into *series) *scheduler {
	s := &scheduler{strategy: f.Strategy, length: f.For, all: all, series: into}
	s.result = NodesResult{Nodes: len(f.Nodes), Strategy: string(f.Strategy)}
	for _, n := range f.Nodes {
		s.nodes = append(s.nodes, &node{
			Node: n, cpu: n.CPU, memory: n.Memory, gpus: n.GPUs,
			holds: map[*instance]owner{}, images: map[int]uint64{},
		})
		for kind, amount := range amounts(functions.Held{CPU: n.CPU, Memory: n.Memory, GPUs: n.GPUs}) {
			s.whole[kind] += amount
		}
	}
	for _, o := range outages(f.Nodes, f.For, f.Seed) {
		s.turns = append(s.turns, turnOfNode{o.at, o.node, false}, turnOfNode{o.back, o.node, true})
		s.result.Failures++
		s.result.Down += functions.Seconds(min(o.back, f.For) - o.at)
	}
	slices.SortStableFunc(s.turns, func(a, b turnOfNode) int { return cmp.Compare(a.at, b.at) })
	known := map[string]int{}
	for _, c := range f.Functions {
		name := cmp.Or(c.Image, c.Function)
		if _, ok := known[name]; !ok {
			known[name] = len(known)
		}
		s.images = append(s.images, known[name])
	}
	return s
}

func amounts(h functions.Held) [3]float64 { return [3]float64{h.CPU, float64(h.Memory), h.GPUs} }

// until is when the window that begins at a time has to end: before the next node fails.
func (s *scheduler) until(end time.Duration) time.Duration {
	for _, turn := range s.turns {
		if !turn.back {
			return min(end, turn.at)
		}
	}
	return end
}

// replay goes through a window that is over, with what the functions named have asked.
func (s *scheduler) replay(end time.Duration, askers [][]int) {
	s.end = end
	s.touched = s.touched[:0]
	var asks []ask
	for _, some := range askers {
		for _, index := range some {
			f := s.all[index]
			for _, p := range f.asked {
				asks = append(asks, ask{p, index})
			}
			f.asked = f.asked[:0]
		}
	}
	slices.SortStableFunc(asks, func(a, b ask) int {
		return cmp.Or(cmp.Compare(a.at, b.at), a.function-b.function)
	})
	for _, a := range asks {
		s.turnsUntil(a.at)
		s.pass(a.at)
		if a.leaves {
			s.leave(a)
		} else if !s.place(a, a.at) {
			s.wait(a)
		}
	}
	s.turnsUntil(end)
	s.pass(end)
	for _, a := range asks { // now their functions know
		if i := a.instance; i.queued && !i.pending {
			s.all[a.function].stuck(i, end)
			s.touched = append(s.touched, a.function)
		}
	}
}

func (s *scheduler) wait(a ask) {
	held := s.all[a.function].Held
	at := slices.IndexFunc(s.lines, func(l *line) bool { return l.held == held })
	if at < 0 {
		at = len(s.lines)
		s.lines = append(s.lines, &line{held: held})
	}
	s.lines[at].asks = append(s.lines[at].asks, a)
	a.instance.queued = true
	s.queued++
	s.result.PeakPending = max(s.result.PeakPending, s.queued)
}

func (s *scheduler) pass(now time.Duration) {
	if d := min(now, s.length) - min(s.now, s.length); d > 0 {
		for kind := range s.used {
			s.used[kind] += s.free[kind] * float64(d)
		}
	}
	s.now = max(s.now, now)
}

// place gives an instance a node from a time on, where one has place.
func (s *scheduler) place(a ask, at time.Duration) bool {
	f, i := s.all[a.function], a.instance
	i.node = s.strategy.pick(s.nodes, f.Held)
	if i.node < 0 {
		return false
	}
	n := s.nodes[i.node]
	n.hold(i, owner{a.function, f.Held})
	s.hold(f.Held, 1)
	s.result.Placed++
	takes := i.takes
	if !f.Pull.IsZero() && !n.has(s.images[a.function]) {
		takes += i.pull
		f.counts.pulls++
	}
	s.waited(a, at)
	if i.state == loading {
		if i.pending {
			f.unstuck(i, s.end)
		}
		f.loadFrom(i, at, takes)
		s.touched = append(s.touched, a.function)
	}
	return true
}

// waited writes down how long an instance had no node.
func (s *scheduler) waited(a ask, until time.Duration) {
	from, to := min(a.at, s.length), min(until, s.length)
	s.all[a.function].counts.pending += to - from
	s.series.wait(from, to)
}

// hold counts what is held: sign 1 more, -1 less.
func (s *scheduler) hold(h functions.Held, sign float64) {
	for kind, amount := range amounts(h) {
		s.free[kind] += sign * amount
	}
}

func (s *scheduler) leave(a ask) {
	i := a.instance
	if i.node >= 0 {
		n := s.nodes[i.node]
		s.hold(n.holds[i].held, -1)
		n.free(i)
		i.node = -1
		s.fill(a.at)
		return
	}
	if i.queued {
		i.queued = false
		s.queued--
		s.waited(ask{placing{at: i.started}, a.function}, a.at)
		s.all[a.function].counts.withdrawn++
	}
}

// fill gives place to those that wait, the oldest first; one that fits nowhere does not
// keep others from trying.
func (s *scheduler) fill(at time.Duration) {
	for _, l := range s.lines {
		l.full = false
	}
	for s.queued > 0 {
		var first *line
		for _, l := range s.lines {
			for len(l.asks) > 0 && !l.asks[0].instance.queued {
				l.asks = l.asks[1:]
			}
			if len(l.asks) > 0 && !l.full && (first == nil || l.asks[0].before(first.asks[0])) {
				first = l
			}
		}
		if first == nil {
			return
		}
		if a := first.asks[0]; s.place(a, at) {
			a.instance.queued = false
			s.queued--
			s.result.Waited++
		} else {
			first.full = true
		}
	}
}

func (a ask) before(b ask) bool {
	return a.at < b.at || a.at == b.at && a.function < b.function
}

// turnsUntil lets nodes come back, and fail, until a time.
func (s *scheduler) turnsUntil(at time.Duration) {
	for len(s.turns) > 0 && s.turns[0].at <= at {
		turn := s.turns[0]
		s.turns = s.turns[1:]
		s.pass(turn.at)
		n := s.nodes[turn.node]
		n.down = !turn.back
		if turn.back {
			s.fill(turn.at)
		} else {
			s.fail(n, turn.at)
		}
	}
}

// fail takes all instances off a node; their functions hear of it at the same time.
func (s *scheduler) fail(n *node, at time.Duration) {
	var gone []*instance
	for i := range n.holds {
		gone = append(gone, i)
	}
	slices.SortFunc(gone, func(a, b *instance) int {
		return cmp.Or(n.holds[a].index-n.holds[b].index, a.number-b.number)
	})
	for _, i := range gone {
		o := n.holds[i]
		s.hold(o.held, -1)
		n.free(i)
		i.node = -1
		s.all[o.index].events.push(event{at: at, what: died, instance: i})
		s.touched = append(s.touched, o.index)
	}
	clear(n.images) // another machine comes in its place
}

// outcome is what happened on the nodes.
func (s *scheduler) outcome() *NodesResult {
	share := func(kind int) float64 {
		if s.whole[kind] == 0 {
			return 0
		}
		return s.used[kind] / s.whole[kind] / float64(s.length)
	}
	s.result.CPU, s.result.Memory, s.result.GPU = share(0), share(1), share(2)
	return &s.result
}
