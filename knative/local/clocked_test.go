package local

import (
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// clocked tells how long processes lived by itself.
type clocked struct {
	launcher
	mu    sync.Mutex
	lived time.Duration
	alive map[*clockedProcess]time.Time
}

type clockedProcess struct {
	process
	by *clocked
}

func (c *clocked) launch(name string, rev functions.Revision, model Model) (process, error) {
	p, err := c.launcher.launch(name, rev, model)
	if err != nil {
		return nil, err
	}
	timed := &clockedProcess{p, c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.alive == nil {
		c.alive = map[*clockedProcess]time.Time{}
	}
	c.alive[timed] = time.Now()
	return timed, nil
}

func (p *clockedProcess) wait() ending {
	end := p.process.wait()
	p.by.mu.Lock()
	defer p.by.mu.Unlock()
	p.by.lived += time.Since(p.by.alive[p])
	delete(p.by.alive, p)
	return end
}

// total is all lives up to now.
func (c *clocked) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.lived
	for _, since := range c.alive {
		sum += time.Since(since)
	}
	return sum
}
