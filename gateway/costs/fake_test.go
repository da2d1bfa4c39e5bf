package costs

import (
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// platform is one whose instances used what the test says.
type platform struct {
	mu    sync.Mutex
	usage []functions.Usage
	// shares are what the coming requests took, in order; none beyond.
	shares  []functions.Share
	entered []string
	// answered is what was told of each, in order.
	answered []bool
}

func (p *platform) Usage() []functions.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.usage
}

func (p *platform) uses(usage ...functions.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.usage = usage
}

func (p *platform) Occupy(instance string) func(bool) functions.Share {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entered = append(p.entered, instance)
	return func(answered bool) functions.Share {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answered = append(p.answered, answered)
		if len(p.shares) == 0 {
			return functions.Share{}
		}
		next := p.shares[0]
		p.shares = p.shares[1:]
		return next
	}
}

// Prices that are easy to reckon with: a core 1, a GiB 10, a GPU 100 a second.
var easy = Prices{GPUSecond: 100, GPUs: map[string]float64{"h100": 1000}, CPUSecond: 1, GBSecond: 10, Request: 0.5, Currency: "EUR"}

// small holds 2 cores and half a GiB: 7 a second, 5 frozen.
var small = functions.Held{CPU: 2, Memory: 1 << 29}

// large holds a GPU besides: 107 a second, and frozen the same 5.
var large = functions.Held{CPU: 2, Memory: 1 << 29, GPUs: 1}

const second = time.Second
