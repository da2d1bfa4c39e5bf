// Package watch is the gateway's platform on a cluster: functions are Knative Services,
// instances are pods, and Knative starts and ends them.
//
// It receives what the cluster says (Knative Services and Revisions, EndpointSlices and
// Pods, by informers that only read) and the comings and goings of requests (it satisfies
// coldstart.Platform). It hands on routes to the routing table, and to the waiting room
// the instances that requests may go to: every ready pod, and beside them a way through
// Knative's activator that takes no more requests than the pods that are wanted and not
// there yet, so that Knative's autoscaler never mistakes waiting for load. It refuses,
// through the waiting room and with the cluster's own reason, requests for a revision
// whose pods do not come up. While the API server is away it goes on with what it knew.
// See docs/cluster-gateway.md.
package watch

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Labels and annotations that the gateway reads.
const (
	// FunctionLabel names the function, on the Knative Service and on its revisions.
	FunctionLabel = "saccade.dev/function"
	// DeclarationAnnotation is a revision's function.yaml.
	DeclarationAnnotation = "saccade.dev/declaration"
	// DrainAnnotation, when "true" on a Service, holds its requests in the waiting room.
	DrainAnnotation = "saccade.dev/drain"
	// RenewedAnnotation on a Service is another text each time that whoever holds its
	// requests says that they are still to be held.
	RenewedAnnotation = "saccade.dev/drain-renewed"
	// MirrorAnnotation on a Service is REVISION=PERCENT.
	MirrorAnnotation = "saccade.dev/mirror"
	// MeasuredAnnotation on a revision is what is expected of it before anything has been
	// measured: load=1.5s,service=40ms.
	MeasuredAnnotation = "saccade.dev/measured"
)

// Room is what the platform tells of instances; coldstart.Room is one.
type Room interface {
	Publish(revision string, instances []coldstart.Instance)
	Refuse(revision string, reason *functions.Error, until time.Time)
	Reopen(revision string)
	Bound(revision string, most int)
	Hold(revision string)
	Move(revision string)
	Forget(revision string)
	Load(revision string) (inFlight, waiting int)
	Leases(revision, instance string) int
}

// Way is how requests get to pods.
type Way string

// The ways.
const (
	// Direct is straight to each ready pod's queue-proxy.
	Direct Way = "direct"
	// ByService is through the address of the Knative Service, a tag or a revision,
	// whatever lies behind it: any ingress, any mesh.
	ByService Way = "service"
)

// Options say what is watched; zero means the default.
type Options struct {
	// Namespace is the one that is watched. Default: all.
	Namespace string
	// Way is how requests get to pods. Default Direct.
	Way Way
	// ClusterDomain ends the names of Services. Default: the cluster's own, as this pod
	// resolves names.
	ClusterDomain string
	// Log gets one line for each change of a function or a pod. Default: none.
	Log *slog.Logger
	// Started is told what the start of a pod was spent on, where a request of this
	// gateway waited for it. May be nil.
	Started func(function string, start functions.Start)
	// StartFailed is told of pods that do not come up. May be nil.
	StartFailed func(function string)

	// asks are the questions to pods. Default: over HTTP.
	asks asks
}

// Platform is the cluster.
type Platform struct {
	opts    Options
	routes  *routing.Table
	cluster *cluster

	group sync.WaitGroup // every goroutine
	wake  chan struct{}  // something is dirty

	mu        sync.Mutex
	ctx       context.Context // from Start: ends every question to a pod
	room      Room
	dirty     map[change]struct{}
	synced    bool                               // every object that was there at first has been noted
	settled   bool                               // and looked at
	functions map[types.NamespacedName]*function // by Service
	revisions map[types.NamespacedName]*revision
	named     map[string]*revision            // as the waiting room calls them
	broken    map[types.NamespacedName]string // revisions whose declaration is none
	shown     map[string]*function            // names in the routing table
	past      map[line]functions.Usage
}

// change is an object about which the cluster has said something.
type change struct {
	kind kind
	types.NamespacedName
}

type kind uint8

const (
	aService kind = iota
	aRevision
)

// New is a Platform that keeps routes up to date with the cluster behind clients. It
// does nothing until Start.
func New(routes *routing.Table, clients Clients, opts Options) (*Platform, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Platform{
		opts: opts, routes: routes, wake: make(chan struct{}, 1),
		dirty: map[change]struct{}{}, functions: map[types.NamespacedName]*function{},
		revisions: map[types.NamespacedName]*revision{}, named: map[string]*revision{},
		broken: map[types.NamespacedName]string{}, shown: map[string]*function{}, past: map[line]functions.Usage{},
	}
	p.cluster, err = newCluster(clients, opts.Namespace, p.changed)
	return p, err
}

// Start makes the platform ready for requests; Run calls it.
func (p *Platform) Start(ctx context.Context, room Room) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.room == nil {
		p.ctx, p.room = ctx, room
	}
}

// Run follows the cluster until ctx ends.
func (p *Platform) Run(ctx context.Context, room Room) error {
	p.Start(ctx, room)
	p.cluster.start(ctx.Done())
	p.group.Go(func() { p.work(ctx) })
	p.group.Go(func() { p.tick(ctx) })
	p.group.Go(func() { p.awaitSync(ctx) })
	<-ctx.Done()
	p.cluster.stop()
	p.group.Wait()
	return nil
}

// Synced says that the cluster's state was read whole once, and every route stands.
func (p *Platform) Synced() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settled
}

func (p *Platform) awaitSync(ctx context.Context) {
	began := time.Now()
	if !p.cluster.awaitSync(ctx.Done()) {
		return
	}
	p.mu.Lock()
	p.synced = true
	p.mu.Unlock()
	p.opts.Log.Info("the cluster's state has been read", "took", time.Since(began).Milliseconds())
	p.nudge() // where there is nothing at all, nothing else does
}

// changed notes what has to be looked at again. It returns at once.
func (p *Platform) changed(c change) {
	p.mu.Lock()
	p.dirty[c] = struct{}{}
	p.mu.Unlock()
	p.nudge()
}

func (p *Platform) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// work looks at what has changed, Services last: their routes name revisions.
func (p *Platform) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		changes := slices.SortedFunc(maps.Keys(p.dirty), func(a, b change) int { return int(b.kind) - int(a.kind) })
		p.mu.Unlock()
		for _, c := range changes {
			p.mu.Lock()
			delete(p.dirty, c) // before it is read: what changes from now on counts again
			p.mu.Unlock()
			switch c.kind {
			case aRevision:
				p.syncRevision(c.NamespacedName)
			case aService:
				p.syncService(c.NamespacedName)
			}
		}
		p.mu.Lock()
		p.settled = p.settled || p.synced && len(p.dirty) == 0
		p.mu.Unlock()
	}
}

// tick asks the policies at Knative's pace.
func (p *Platform) tick(ctx context.Context) {
	ticker := time.NewTicker(scaling.Tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			p.mu.Lock()
			all := slices.Collect(maps.Values(p.revisions))
			p.mu.Unlock()
			for _, r := range all {
				r.tick(now)
			}
		}
	}
}

// Arrived is told of every request; it satisfies coldstart.Platform.
func (p *Platform) Arrived(name string) {
	if r := p.revision(name); r != nil {
		r.arrived()
	}
}

// Left is told of every request's end; it satisfies coldstart.Platform.
func (p *Platform) Left(name string, took time.Duration) {
	if r := p.revision(name); r != nil {
		r.left(took)
	}
}

func (p *Platform) revision(name string) *revision {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.named[name]
}
