package scaling

import (
	"math"
	"time"

	"github.com/seed45885407/saccade/functions"
)

const (
	// How many samples the memory of an estimate is long.
	serviceSamples = 64
	loadSamples    = 8
	// slack is the share of the load time by which a wait may exceed it.
	slack = 0.1
	// shortestHold is the least time for which fewer instances must have been enough
	// before one goes.
	shortestHold = 15 * time.Second
)

// StartupAware wants what the load needs and what a start can still help.
//
//   - The load: arrival rate x service time / (containerConcurrency x target
//     utilisation), rounded up. Waiting is no load: a pile is there because instances
//     are still loading, and those count as capacity.
//   - The backlog: what will be left of it when an instance ordered now is ready, given
//     how long a start takes and when the loading ones will be done, is cleared within
//     a tenth of the load time. So nobody waits much longer than one start.
//   - Down: once fewer have been enough for as long as two starts take, and never
//     below the most that was needed meanwhile.
//   - To zero, a step of its own and later: after Window; then, where the function's
//     own idle times tell when a request is due ("Serverless in the Wild", Shahrad et al., USENIX ATC 2020),
//     back to one from before the soonest until after the latest, unless the waiting
//     costs more than the start. Where they tell only how often, as those of a steady
//     stream do, the instance is kept if that costs about what starting again would.
//
// Service and load times are measured as they are told. Until both are known one
// instance is wanted: the first start is the measurement.
type StartupAware struct {
	scaling  functions.Scaling
	capacity float64 // requests at a time in one instance
	rates    arrivals
	service  mean
	load     mean
	idles    idleTimes

	loading   []start
	ready     map[int]struct{}
	present   int // requests
	idleSince time.Time
	arrived   bool // ever

	wanted int
	lately []need // of the holding time, those that no later one exceeds: falling
}

type start struct {
	instance int
	at       time.Time
}

type need struct {
	at        time.Time
	instances int
}

// NewStartupAware is a StartupAware for a Revision that exists from now on. The
// settings are complete: functions.WithDefaults has been applied. Of them it reads
// MinScale, MaxScale, ContainerConcurrency, TargetUtilization, Window and
// ScaleToZeroPodRetention.
func NewStartupAware(s functions.Scaling, now time.Time) *StartupAware {
	return &StartupAware{
		scaling:   s,
		capacity:  float64(max(1, s.ContainerConcurrency)),
		rates:     arrivals{since: now},
		service:   mean{samples: serviceSamples},
		load:      mean{samples: loadSamples},
		ready:     map[int]struct{}{},
		idleSince: now,
		wanted:    s.MinScale,
	}
}

// Tell is part of Policy. A request is urgent that finds nobody, or that, all before
// it considered, would wait too long: what a start can help is not put off to a tick. So
// is the first that tells how long requests or starts take, where such ones wait.
func (p *StartupAware) Tell(e Event) (urgent bool) {
	switch e.What {
	case Arrived:
		if p.present == 0 && p.arrived {
			p.idles.add(e.At.Sub(p.idleSince))
		}
		p.arrived = true
		p.present++
		p.rates.add(e.At)
		if p.wanted == 0 {
			return true
		}
		return p.pressing(e.At)
	case Left:
		p.present--
		p.idleSince = e.At
		if e.Took > 0 {
			first := !p.service.known()
			p.service.add(e.Took)
			return first && p.pressing(e.At)
		}
	case Starting:
		p.loading = append(p.loading, start{e.Instance, e.At})
	case Ready:
		p.loaded(e.Instance)
		p.ready[e.Instance] = struct{}{}
		first := !p.load.known()
		p.load.add(e.Took)
		if !p.arrived {
			p.idleSince = e.At // somebody wanted it, so it may stay for a while
		}
		return first && p.pressing(e.At)
	case Ended:
		p.loaded(e.Instance)
		delete(p.ready, e.Instance)
	}
	return false
}

// pressing says that the backlog wants more instances than are there or loading.
func (p *StartupAware) pressing(now time.Time) bool {
	needed, _ := p.backlog(now)
	return bound(needed, p.scaling) > p.wanted
}

func (p *StartupAware) loaded(instance int) {
	for i, s := range p.loading {
		if s.instance == instance {
			p.loading = append(p.loading[:i], p.loading[i+1:]...)
			return
		}
	}
}

// Decide is part of Policy.
func (p *StartupAware) Decide(now time.Time) Decision {
	var d Decision
	switch {
	case p.present > 0 && p.wanted == 0:
		d = Decision{Instances: 1, Reason: because("a request arrived at zero")}
	case p.present > 0 && (!p.service.known() || !p.load.known()):
		d = Decision{Instances: max(1, p.wanted), Reason: because("the first start is the measurement")}
	default:
		d = p.needed(now)
	}
	d = p.hold(now, d)
	if p.present == 0 && d.Instances <= 1 {
		d = p.idle(now, d)
	}
	bounded := bound(d.Instances, p.scaling)
	if bounded != d.Instances {
		d.Reason = because("%.0f would be needed; minScale and maxScale allow %.0f", float64(d.Instances), float64(bounded))
		d.Instances = bounded
	}
	p.wanted = d.Instances
	return d
}

// needed is what load and backlog need now.
func (p *StartupAware) needed(now time.Time) Decision {
	rate := p.rates.rate(now)
	utilisation := p.scaling.TargetUtilization / 100
	busy := rate * p.service.value
	forLoad := int(math.Ceil(busy/(p.capacity*utilisation) - 1e-9))
	forBacklog, left := p.backlog(now)
	switch {
	case forBacklog > forLoad:
		return Decision{Instances: forBacklog, Reason: because(
			"of %.0f requests %.0f would still wait when a start is over (%.1f s), which takes %.0f instances at %.3f s each",
			float64(p.present), math.Ceil(left), p.load.value, float64(forBacklog), p.service.value)}
	case forLoad == 0 && p.present > 0:
		forLoad = 1
	}
	return Decision{Instances: forLoad, Reason: because(
		"%.2f requests/s of %.3f s keep %.2f places busy, at %.0f %% utilisation of %.0f in each instance",
		rate, p.service.value, busy, 100*utilisation, p.capacity)}
}

// backlog is how many instances clear, within the slack, what is left of today's
// requests once an instance ordered now is ready. First come, first served: those
// that arrive later are behind them and delay none.
func (p *StartupAware) backlog(now time.Time) (instances int, left float64) {
	if !p.load.known() || p.service.value <= 0 {
		return 0, 0
	}
	load := p.load.value
	for _, s := range p.loading {
		// A start that takes longer than usual says that starts take longer.
		load = max(load, now.Sub(s.at).Seconds())
	}
	pace := p.capacity / p.service.value // requests a second of one instance
	left = float64(p.present) - float64(len(p.ready))*pace*load
	for _, s := range p.loading {
		left -= pace * min(load, now.Sub(s.at).Seconds())
	}
	if left <= 0 {
		return 0, 0
	}
	within := max(slack*load, p.service.value)
	return int(math.Ceil(left/(pace*within) - 1e-9)), left
}

// hold keeps the most that was needed during the holding time.
func (p *StartupAware) hold(now time.Time, d Decision) Decision {
	held := min(max(shortestHold, seconds(2*p.load.value)), max(shortestHold, time.Duration(p.scaling.Window)))
	for len(p.lately) > 0 && p.lately[len(p.lately)-1].instances <= d.Instances {
		p.lately = p.lately[:len(p.lately)-1]
	}
	p.lately = append(p.lately, need{now, d.Instances})
	gone := 0
	for now.Sub(p.lately[gone].at) > held {
		gone++
	}
	p.lately = append(p.lately[:0], p.lately[gone:]...)
	if most := p.lately[0].instances; most > d.Instances {
		d.Reason = because("%.0f would do now; %.0f were needed in the last %.0f s", float64(d.Instances), float64(most), held.Seconds())
		d.Instances = most
	}
	return d
}

// idle is the last step, from one instance to none and, before a request is due,
// back.
func (p *StartupAware) idle(now time.Time, d Decision) Decision {
	living := len(p.loading) + len(p.ready)
	if !p.arrived && living == 0 {
		return Decision{Reason: because("no request has ever come"), Rest: Forever}
	}
	idle := now.Sub(p.idleSince)
	// Less than a start takes is no saving: it would have to be paid again.
	stay := max(time.Duration(p.scaling.Window), time.Duration(p.scaling.ScaleToZeroPodRetention), seconds(p.load.value))
	soonest, latest, telling := p.due(stay)
	if telling {
		stay = max(stay, idleBin)
	}
	wake := max(stay, soonest-seconds((1+slack)*p.load.value)-Tick)
	switch {
	case idle < stay:
		return Decision{Instances: min(1, max(p.wanted, living)), Reason: because(
			"idle for %.0f s; the last instance is kept for %.0f s", idle.Seconds(), stay.Seconds())}
	case !telling:
		return Decision{Reason: because("idle for %.0f s, longer than the %.0f s kept, and the next request cannot be foreseen at a fair price",
			idle.Seconds(), stay.Seconds()), Rest: Forever}
	case idle >= latest:
		return Decision{Reason: because("idle for %.0f s; 99 %% of idle times are over in %.0f s", idle.Seconds(), latest.Seconds()), Rest: Forever}
	case idle >= wake:
		return Decision{Instances: 1, Reason: because("idle for %.0f s; the next request is expected between %.0f s and %.0f s",
			idle.Seconds(), soonest.Seconds(), latest.Seconds())}
	}
	return Decision{Reason: because("95 %% of idle times last %.0f s or more; one instance will be started at %.0f s",
		soonest.Seconds(), wake.Seconds()), Rest: wake - idle}
}

// due is when the next request is likely, if the idle times tell, and if an instance
// that waits for it costs no more than a request is worth.
func (p *StartupAware) due(stay time.Duration) (soonest, latest time.Duration, telling bool) {
	if !p.idles.telling() {
		return 0, 0, false
	}
	soonest, latest = p.idles.expected()
	price := float64(breakEven)
	if p.idles.foreseeing() {
		price = worth
	}
	from := max(stay, soonest-seconds(p.load.value))
	return soonest, latest, p.idles.warm(from, latest) <= seconds(price*p.load.value)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
