package replay

import (
	"context"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
)

// platform has one instance that loads when it is first asked, and then serves so
// many at a time in the order in which they come.
type platform struct {
	load, service time.Duration
	refuse        map[int]functions.Kind // by the request's number
	kept          int
	crowded       time.Duration // what a request takes longer beside another

	mu      sync.Mutex
	born    time.Time
	asked   []int
	present int
	most    int
	free    time.Time // when the one core is
}

func (p *platform) stage() Stage {
	return Stage{Function: "eye", Platform: p, Deployed: time.Now(), Send: p.send}
}

// processes is one that computes for 100 ms while it starts, and for 60 ms for each request.
func (p *platform) processes() Processes {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Processes{CPU: map[int]time.Duration{1: 100*time.Millisecond + 60*time.Millisecond*time.Duration(len(p.asked))}}
}

func (p *platform) send(_ context.Context, number int) (functions.Reply, error) {
	arrived := time.Now()
	p.mu.Lock()
	p.asked = append(p.asked, number)
	p.present++
	p.most = max(p.most, p.present)
	if p.born.IsZero() {
		p.born = arrived
	}
	ready := p.born.Add(p.load)
	p.mu.Unlock()
	defer func() { p.mu.Lock(); p.present--; p.mu.Unlock() }()
	if kind := p.refuse[number]; kind != "" {
		return functions.Reply{}, functions.Errorf(kind, "no")
	}
	cold := arrived.Before(ready)
	p.mu.Lock()
	began := arrived
	for _, at := range []time.Time{ready, p.free} {
		if at.After(began) {
			began = at
		}
	}
	takes := p.service
	if p.present > 1 {
		takes += p.crowded
	}
	p.free = began.Add(takes)
	p.mu.Unlock()
	time.Sleep(time.Until(began.Add(takes)))
	reply := functions.Reply{ColdStart: cold}
	reply.Timing.Wait = functions.Millis(began.Sub(arrived))
	if cold {
		reply.Timing.Start = &functions.Start{Load: functions.Millis(p.load)}
	}
	return reply, nil
}

func (p *platform) Functions() []functions.FunctionStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := functions.FunctionStatus{Name: "eye", State: "zero", InFlight: p.present, Ready: p.kept}
	if p.kept > 0 {
		f.LastColdStart = &functions.LastColdStart{Start: functions.Start{Warmup: functions.Millis(p.service + p.crowded)}}
	}
	switch {
	case p.born.IsZero():
	case time.Now().Before(p.born.Add(p.load)):
		f.State, f.Starting = "starting", 1
	default:
		f.State, f.Ready = "ready", 1
	}
	return []functions.FunctionStatus{{Name: "other", Ready: 7}, f}
}

func (p *platform) Usage() []functions.Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := functions.Usage{Function: "eye", Held: functions.Held{CPU: 1}}
	if !p.born.IsZero() {
		u.Starts, u.Starting = 1, p.load
		u.Idle = time.Since(p.born) - p.load
	}
	return []functions.Usage{{Function: "other", Busy: time.Hour}, u}
}

func seconds64(at ...float64) (all []time.Duration) {
	for _, s := range at {
		all = append(all, time.Duration(s*float64(time.Second)))
	}
	return all
}
