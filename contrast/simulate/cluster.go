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
	offered  bool // among those with room
}

type state uint8

const (
	loading state = iota
	ready
	draining
	gone
)

// coldFor reports whether the instance became ready only after a request arrived at
// that time: then the request waited for a start.
func (i *instance) coldFor(arrived time.Duration) bool { return i.readyAt > arrived }

// cluster is the instances and what their time was spent on.
type cluster struct {
	instances []*instance // all that ever were
	alive     []*instance // loading and ready, in the order of starts
	room      numbers     // ready ones with room, the oldest first

	loading, ready, draining int
	busy                     int // ready or draining ones with a request
	requests                 int // in instances

	peak, starts, cold                          int
	loadingTime, busyTime, idleTime, requesting time.Duration
}

func (c *cluster) living() int  { return c.loading + c.ready }
func (c *cluster) present() int { return c.loading + c.ready + c.draining }

// spend lets time pass for every instance.
func (c *cluster) spend(d time.Duration) {
	c.loadingTime += d * time.Duration(c.loading)
	c.busyTime += d * time.Duration(c.busy)
	c.idleTime += d * time.Duration(c.ready+c.draining-c.busy)
	c.requesting += d * time.Duration(c.requests)
}

func (c *cluster) start(now time.Duration) *instance {
	i := &instance{number: len(c.instances), started: now}
	c.instances = append(c.instances, i)
	c.alive = append(c.alive, i)
	c.loading++
	c.starts++
	c.peak = max(c.peak, c.present())
	return i
}

func (c *cluster) becomeReady(i *instance, now time.Duration) {
	i.state, i.readyAt = ready, now
	c.loading--
	c.ready++
	c.offer(i)
}

func (c *cluster) offer(i *instance) {
	if !i.offered {
		i.offered = true
		c.room.push(i.number)
	}
}

// withRoom is the oldest ready instance that can take one more request, or nil.
func (c *cluster) withRoom(most int) *instance {
	for len(c.room) > 0 {
		i := c.instances[c.room[0]]
		if i.state == ready && i.requests < most {
			return i
		}
		i.offered = false
		c.room.pop()
	}
	return nil
}

func (c *cluster) take(i *instance) {
	if i.requests == 0 {
		c.busy++
	}
	i.requests++
	c.requests++
}

func (c *cluster) release(i *instance) {
	i.requests--
	c.requests--
	if i.requests == 0 {
		c.busy--
		if i.state == draining {
			i.state = gone
			c.draining--
		}
	}
	if i.state == ready {
		c.offer(i)
	}
}

// retire lets the newest ready instance go once it has finished its requests.
func (c *cluster) retire() *instance {
	at := len(c.alive) - 1
	for c.alive[at].state != ready {
		at--
	}
	i := c.alive[at]
	c.alive = slices.Delete(c.alive, at, at+1)
	c.ready--
	i.state = gone
	if i.requests > 0 {
		i.state = draining
		c.draining++
	}
	return i
}
