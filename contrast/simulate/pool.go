package simulate

import (
	"slices"
	"time"
)

// instance is one running copy of the function.
type instance struct {
	number   int
	state    state
	started  time.Duration
	readyAt  time.Duration
	requests int
	bound    request // where waitedFor: it waits for this instance, and for no other
	room     int     // its place among those with room, -1: it has none there
	running  int     // of its requests, those that share the cores

	waitedFor   bool
	provisioned bool // AWS's bill has it as kept initialised
	pending     bool // no node had place when it was last looked for
	queued      bool // the scheduler's: so it is
	fails       bool
	warmed      bool          // it has warmed up by itself
	sharing     *sharing      // its own cores' where they are, and requests slow each other
	round       uint32        // how often that changed
	takes, pull time.Duration // to load; the same for fetching image and model first
	node        int           // -1: none
}

type state uint8

const (
	loading state = iota
	ready
	draining
	gone
)

// pool is the instances of a function and what their time is spent on.
type pool struct {
	alive []*instance // loading and ready, in the order of starts
	room  rooms

	loading, ready, draining int
	busy                     int // ready or draining ones with a request
	requests                 int // in instances
	pending                  int // of those loading, known to have no node

	peak, starts int64
	spent        spending
}

// spending is time by what it was for, summed over instances, or over requests.
type spending struct{ starting, busy, idle, waiting time.Duration }

func (p *pool) living() int  { return p.loading + p.ready }
func (p *pool) present() int { return p.loading + p.ready + p.draining }

// spend lets time pass for every instance, and for the requests that wait.
func (p *pool) spend(d time.Duration, waiting int) {
	p.spent.starting += d * time.Duration(p.loading)
	p.spent.busy += d * time.Duration(p.busy)
	p.spent.idle += d * time.Duration(p.ready+p.draining-p.busy)
	p.spent.waiting += d * time.Duration(waiting)
}

func (p *pool) start(now time.Duration) *instance {
	i := &instance{number: int(p.starts), started: now, room: -1, node: -1}
	p.alive = append(p.alive, i)
	p.loading++
	p.starts++
	p.peak = max(p.peak, int64(p.present()))
	return i
}

func (p *pool) becomeReady(i *instance, now time.Duration) {
	i.state, i.readyAt = ready, now
	p.loading--
	p.ready++
	p.room.push(i)
}

// withRoom is the ready instance with the fewest requests that can take one more, of
// several the oldest; or nil. The gateway's waiting room chooses so too.
func (p *pool) withRoom() *instance {
	if len(p.room) == 0 {
		return nil
	}
	return p.room[0]
}

// take puts a request into an instance that has room for so many in all.
func (p *pool) take(i *instance, most int) {
	if i.requests == 0 {
		p.busy++
	}
	i.requests++
	p.requests++
	if i.requests >= most {
		p.room.remove(i)
	} else {
		p.room.fix(i)
	}
}

// release says whether the instance, which was to leave, has gone with the request.
func (p *pool) release(i *instance) (left bool) {
	i.requests--
	p.requests--
	if i.requests == 0 {
		p.busy--
		if i.state == draining {
			i.state = gone
			p.draining--
			return true
		}
	}
	if i.state == ready {
		p.room.push(i)
	}
	return false
}

// retire lets an instance go: the newest of those without a node, at once; else the
// newest ready one, when it has finished its requests; else none, for a loading one
// holds what will have been paid for nothing.
func (p *pool) retire() *instance {
	wanted := ready
	if p.pending > 0 {
		wanted = loading
	}
	for at := len(p.alive) - 1; at >= 0; at-- {
		i := p.alive[at]
		if i.state != wanted || wanted == loading && !i.pending {
			continue
		}
		if i.requests > 0 {
			p.alive = slices.Delete(p.alive, at, at+1)
			p.room.remove(i)
			i.state = draining
			p.ready--
			p.draining++
		} else {
			p.remove(i)
		}
		return i
	}
	return nil
}

// remove takes an instance away at once, with what is in it.
func (p *pool) remove(i *instance) {
	switch i.state {
	case loading:
		p.loading--
		if i.pending {
			p.pending--
			i.pending = false
		}
	case ready:
		p.ready--
	case draining:
		p.draining--
	case gone:
		return
	}
	if i.requests > 0 {
		p.busy--
		p.requests -= i.requests
		i.requests = 0
	}
	if at, found := slices.BinarySearchFunc(p.alive, i.number, func(a *instance, n int) int { return a.number - n }); found {
		p.alive = slices.Delete(p.alive, at, at+1)
	}
	p.room.remove(i)
	i.state = gone
}

// rooms is a binary heap of the instances with room, the one with the fewest requests
// first, then the oldest. Each knows its place, so that it can leave.
type rooms []*instance

// push has an instance among them, by the number of its requests now.
func (h *rooms) push(i *instance) {
	if i.room < 0 {
		i.room = len(*h)
		*h = append(*h, i)
	}
	h.fix(i)
}

// fix brings an instance, if it is among them, to its place by the number of its requests now.
func (h rooms) fix(i *instance) {
	if i.room >= 0 {
		h.up(i.room)
		h.down(i.room)
	}
}

func (h rooms) before(a, b int) bool {
	return h[a].requests < h[b].requests || h[a].requests == h[b].requests && h[a].number < h[b].number
}

func (h *rooms) remove(i *instance) {
	at := i.room
	if at < 0 {
		return
	}
	i.room = -1
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	if at < last {
		(*h)[at], moved.room = moved, at
		h.up(at)
		h.down(moved.room)
	}
}

func (h rooms) up(at int) {
	for at > 0 && h.before(at, (at-1)/2) {
		h.swap(at, (at-1)/2)
		at = (at - 1) / 2
	}
}

func (h rooms) down(at int) {
	for {
		least := at
		for below := 2*at + 1; below <= 2*at+2 && below < len(h); below++ {
			if h.before(below, least) {
				least = below
			}
		}
		if least == at {
			return
		}
		h.swap(at, least)
		at = least
	}
}

func (h rooms) swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].room, h[b].room = a, b
}
