package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// Node is one machine of a cluster.
type Node struct {
	// CPU is in cores, Memory in bytes, GPUs in whole devices of class Device: what
	// instances may hold of it together.
	CPU    float64
	Memory int64
	GPUs   float64
	Device string
	// Images is how many images and models it keeps; of more, those whose last start is
	// longest ago go. 0: all that it ever had.
	Images int
	// Life is how long the node works on average before it fails with all that is on it,
	// Repair how long it is away then, on average; both as likely to end at any time as
	// at another. A Life of 0: it never fails.
	Life, Repair time.Duration
}

// Strategy is which of the nodes with place an instance gets.
type Strategy string

// The strategies. LeastAllocated is kube-scheduler's default score: the node whose free
// share of CPU and memory, the average of both in whole percent, is largest once the
// instance is there (NodeResourcesFit; of equals the first here, any there).
// MostAllocated is its opposite, which leaves nodes free, and FirstFit the first node.
const (
	LeastAllocated Strategy = "least-allocated"
	MostAllocated  Strategy = "most-allocated"
	FirstFit       Strategy = "first-fit"
)

// node is a Node under way.
type node struct {
	Node
	cpu, gpus float64 // free
	memory    int64
	down      bool
	holds     map[*instance]owner
	images    map[int]uint64 // by function's image: when it was last used
	clock     uint64
}

// owner is the function that an instance on a node belongs to.
type owner struct {
	index int
	held  functions.Held
}

// least is what rounding may lose of a core or a GPU.
const least = 1e-9

func (n *node) fits(h functions.Held) bool {
	return !n.down && h.CPU <= n.cpu+least && h.Memory <= n.memory && h.GPUs <= n.gpus+least &&
		(h.GPUs == 0 || h.Device == "" || h.Device == n.Device)
}

// score is NodeResourcesFit's, in percent, of the node with h on it.
func (n *node) score(h functions.Held) int {
	cpu := percent(n.cpu-h.CPU, n.CPU)
	memory := percent(float64(n.memory-h.Memory), float64(n.Memory))
	return (cpu + memory) / 2
}

func percent(free, all float64) int {
	if all <= 0 {
		return 0
	}
	return int(100*free/all + least)
}

func (n *node) hold(i *instance, o owner) {
	n.cpu -= o.held.CPU
	n.memory -= o.held.Memory
	n.gpus -= o.held.GPUs
	n.holds[i] = o
}

func (n *node) free(i *instance) {
	h := n.holds[i].held
	delete(n.holds, i)
	n.cpu += h.CPU
	n.memory += h.Memory
	n.gpus += h.GPUs
	if len(n.holds) == 0 { // and no rounding is left
		n.cpu, n.memory, n.gpus = n.CPU, n.Memory, n.GPUs
	}
}

// has says whether an image is there, and from now on it is.
func (n *node) has(image int) bool {
	n.clock++
	_, there := n.images[image]
	n.images[image] = n.clock
	if n.Images > 0 && len(n.images) > n.Images {
		oldest, at := 0, uint64(math.MaxUint64)
		for image, used := range n.images {
			if used < at {
				oldest, at = image, used
			}
		}
		delete(n.images, oldest)
	}
	return there
}

// pick is the number of the node that the strategy gives, -1 where none has place.
func (s Strategy) pick(nodes []*node, h functions.Held) int {
	best, score := -1, 0
	for number, n := range nodes {
		if !n.fits(h) {
			continue
		}
		if s == FirstFit {
			return number
		}
		this := n.score(h)
		if s == MostAllocated {
			this = -this
		}
		if best < 0 || this > score {
			best, score = number, this
		}
	}
	return best
}

// outage is when a node fails and comes back.
type outage struct {
	node     int
	at, back time.Duration
}

// outages are those of a run, in order of time; they depend on nothing but the seed.
func outages(nodes []Node, length time.Duration, seed uint64) []outage {
	var all []outage
	for number, n := range nodes {
		r := rand.New(rand.NewPCG(seed, 1<<32+uint64(number)))
		for at := time.Duration(0); n.Life > 0; {
			lives, away := r.ExpFloat64()*float64(n.Life), r.ExpFloat64()*float64(n.Repair)
			if lives > float64(length-at) {
				break
			}
			at += time.Duration(lives)
			back := at + max(time.Second, time.Duration(min(away, float64(longestRun))))
			all = append(all, outage{number, at, back})
			if at = back; at > length {
				break
			}
		}
	}
	return all
}

func checkNodes(nodes []Node, all []Config, s Strategy) error {
	if s != LeastAllocated && s != MostAllocated && s != FirstFit {
		return fmt.Errorf("simulating nodes with the strategy %q", s)
	}
	for number, n := range nodes {
		if !(n.CPU >= 0) || n.Memory < 0 || !(n.GPUs >= 0) || n.Images < 0 || n.Life < 0 || n.Repair < 0 {
			return fmt.Errorf("simulating node %d with less than nothing", number)
		}
	}
	for _, c := range all {
		fits := false
		for _, n := range nodes {
			empty := node{Node: n, cpu: n.CPU, memory: n.Memory, gpus: n.GPUs}
			if fits = empty.fits(c.Held); fits {
				break
			}
		}
		if !fits || !(c.Held.CPU >= 0) || c.Held.Memory < 0 || !(c.Held.GPUs >= 0) {
			return fmt.Errorf("simulating %q: an instance of %+v fits no node", c.Function, c.Held)
		}
	}
	return nil
}
