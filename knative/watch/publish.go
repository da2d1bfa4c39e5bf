package watch

import (
	"net"
	"slices"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
)

// Headers that tell the activator which revision is meant. It would know by the host as
// well, as long as both think the cluster's domain the same.
const (
	revisionHeader  = "Knative-Serving-Revision"
	namespaceHeader = "Knative-Serving-Namespace"
)

// seat is what of an instance may change.
type seat struct {
	name, address string
	capacity      int
	ready         bool
}

// publish tells the waiting room which ways to pods are open, and for how many requests
// each. Call with mu held.
func (r *revision) publish() {
	var instances []coldstart.Instance
	switch {
	case r.held || r.gone:
	case r.byService():
		instances = r.throughService()
	default:
		instances = r.straight()
	}
	seats := make([]seat, len(instances))
	for i, instance := range instances {
		seats[i] = seat{instance.Name, instance.Address, instance.Capacity, instance.Ready}
	}
	if slices.Equal(seats, r.shown) {
		return
	}
	r.shown = seats
	r.platform.room.Publish(r.Name, instances)
}

// there is how many pods count as ready.
func (r *revision) there() int {
	n := 0
	for _, p := range r.pods {
		if !p.missing {
			n++
		}
	}
	return n
}

// overflow is how many requests may be on their way to pods that are wanted.
func (r *revision) overflow() int { return overflow(r.wanted, r.there(), r.capacity, r.counted) }

// throughService is one instance with room for as many requests as ready pods take and
// wanted ones are to be started by.
func (r *revision) throughService() []coldstart.Instance {
	if r.gate.closed {
		return nil
	}
	g := r.gateInstance(r.there()*r.capacity + r.overflow())
	g.Ready = r.there() > 0
	return []coldstart.Instance{g}
}

// straight is every ready pod, and the activator for the wanted ones.
//
// When a pod becomes ready, the activator gives it the requests that it has, and has
// more of them than it may have by then. Until those are over, the pods get as many
// fewer from here; else each would have its requests twice, and half of them would wait
// in a queue that nobody can call them back from.
func (r *revision) straight() []coldstart.Instance {
	may := r.overflow()
	excess := max(0, r.platform.room.Leases(r.Name, r.gateName())-may)
	var instances []coldstart.Instance
	for _, p := range slices.Backward(r.pods) { // the newest are nearest to the activator
		if p.suspect {
			continue
		}
		withheld := min(excess, r.capacity)
		excess -= withheld
		life := p.life
		instances = append(instances, coldstart.Instance{
			Name: r.named(p), Network: "tcp", Address: p.address, Ready: true, Capacity: r.capacity - withheld, Life: life,
			Remote: coldstart.Remote{
				Host:   r.own(),
				Lost:   func(how coldstart.Loss) { r.lost(p, life, how) },
				Ledger: func() functions.Start { return r.ledger(p) },
			},
		})
	}
	slices.Reverse(instances)
	if !r.gate.closed {
		instances = append(instances, r.gateInstance(may))
	}
	return instances
}

// gateInstance is the gate. It binds: a request that goes there stays there, though
// others are served by ready pods meanwhile.
func (r *revision) gateInstance(capacity int) coldstart.Instance {
	life, host := r.gate.life, r.gateAddress()
	i := coldstart.Instance{
		Name: r.gateName(), Network: "tcp", Address: net.JoinHostPort(host, "80"), Capacity: capacity, Binds: true, Life: life,
		Remote: coldstart.Remote{
			Host:   host,
			Lost:   func(how coldstart.Loss) { r.lostGate(life, how) },
			Ledger: func() functions.Start { return r.ledger(nil) },
		},
	}
	if host == r.own() {
		i.Header = map[string]string{revisionHeader: r.key.Name, namespaceHeader: r.key.Namespace}
	}
	return i
}
