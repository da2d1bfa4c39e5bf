// Package local is Knative on one machine: the same Functions, Revisions and
// autoscaler, with processes instead of pods.
//
// It receives deployments ([Platform.Deploy]) and the comings and goings of
// requests (it satisfies coldstart.Platform). It hands on routes to the routing
// table and instances to the waiting room. A policy, by default Knative's own
// autoscaler (KPA), decides between one instance and many and back to none; the
// first wake from zero does not wait for its next turn. It refuses, through the waiting room and with the reason,
// requests for a function whose instances do not come up, and a new revision that
// does not come up never replaces one that works.
package local

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/routing"
	"github.com/seed45885407/saccade/knative/scaling"
)

// Deployment is a function with the way to its model.
type Deployment struct {
	// Function is complete: functions.WithDefaults has been applied.
	Function functions.Function
	// Pull gets the model file. It is called when the first instance is wanted, and
	// again after it failed.
	Pull func(ctx context.Context) (Model, error)
}

// Model is a model file on this machine.
type Model struct {
	Path string
	// Sum is the SHA-256, lower-case hex.
	Sum string
	// Family is what the file was recognised as.
	Family functions.Family
}

// Room is what the platform tells of its instances; coldstart.Room is one.
type Room interface {
	Publish(revision string, instances []coldstart.Instance)
	Refuse(revision string, reason *functions.Error, until time.Time)
	Reopen(revision string)
	Drained(revision, instance string) <-chan struct{}
	Bound(revision string, most int)
	Forget(revision string)
	Load(revision string) (inFlight, waiting int)
}

// Options say how the platform runs its instances.
type Options struct {
	// Runtime is the path of the saccade-runtime program.
	Runtime string
	// Cache is the folder where instances keep optimised graphs, and policies what they
	// have measured. Empty: neither is kept.
	Cache string
	// MaxInstances bounds the instances of each function. Default (0): as many as
	// keep every CPU busy with their parallel runs, at least one. One more would
	// take memory and no load off the others.
	MaxInstances int
	// Log gets one line for each change of an instance. Default: none.
	Log *slog.Logger
	// Started is told what each start of an instance was spent on. May be nil.
	Started func(function string, start functions.Start)
	// StartFailed is told of each instance that did not become ready. May be nil.
	StartFailed func(function string)
}

// Platform runs functions as processes of this machine.
type Platform struct {
	opts   Options
	routes *routing.Table
	launch launcher
	policy func(functions.Scaling, time.Time) scaling.Policy

	group sync.WaitGroup // every goroutine of every revision
	usage usage          // what every instance used

	memories memories // what policies measured

	mu        sync.Mutex
	ctx       context.Context // from Run: ends every start and download
	room      Room
	functions map[string]*deployed
	revisions map[string]*revision
}

// deployed is a function with its history.
type deployed struct {
	name       string
	deploying  sync.Mutex // one deployment at a time
	generation int
	current    *revision
	beside     *revision   // answers the rest where current has but a share
	leaving    []*revision // may still be finishing requests that were routed to them
	err        error       // of the newest deployment
	history    scaling.History
}

// New is a Platform without functions that keeps routes up to date. It does
// nothing until Start.
func New(routes *routing.Table, opts Options) (*Platform, error) {
	l, err := newProcesses(opts)
	if err != nil {
		return nil, err
	}
	return newPlatform(routes, opts, l), nil
}

// maxInstances is how many instances of f this machine may run.
func (o Options) maxInstances(f functions.Function) int {
	if o.MaxInstances > 0 {
		return o.MaxInstances
	}
	if f.Spec.Scaling.IsLambda() {
		return lambdaInstances(f)
	}
	r := f.Spec.Runtime
	return max(1, runtime.GOMAXPROCS(0)/(r.Parallel*r.Threads))
}

func newPlatform(routes *routing.Table, opts Options, l launcher) *Platform {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	var memories memories
	if opts.Cache != "" {
		memories.dir = filepath.Join(opts.Cache, "measured")
	}
	return &Platform{
		opts: opts, routes: routes, launch: l, policy: scaling.New, memories: memories,
		functions: map[string]*deployed{}, revisions: map[string]*revision{},
	}
}

// Run serves until ctx ends, then stops every instance and returns when the last
// one is gone. Requests must have been drained before: what is still with an
// instance then has the instance's own grace to finish.
func (p *Platform) Run(ctx context.Context, room Room) error {
	p.Start(ctx, room)
	<-ctx.Done()
	p.mu.Lock()
	revisions := slices.Collect(maps.Values(p.revisions))
	p.mu.Unlock()
	for _, r := range revisions {
		r.stop()
	}
	p.group.Wait()
	return p.launch.close()
}

// Start makes the platform ready for Deploy and requests. Run calls it; a caller
// that deploys before it runs calls it first.
func (p *Platform) Start(ctx context.Context, room Room) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.room == nil {
		p.ctx, p.room = ctx, room
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
	return p.revisions[name]
}

// Functions is the state of every function, by name.
func (p *Platform) Functions() []functions.FunctionStatus {
	p.mu.Lock()
	var all []*deployed
	for _, f := range p.functions {
		all = append(all, f)
	}
	p.mu.Unlock()
	slices.SortFunc(all, func(a, b *deployed) int { return strings.Compare(a.name, b.name) })
	statuses := make([]functions.FunctionStatus, 0, len(all))
	for _, f := range all {
		p.mu.Lock()
		current, err := f.current, f.err
		p.mu.Unlock()
		status := current.status()
		if err != nil {
			status.Error = publicText(err)
		}
		statuses = append(statuses, status)
	}
	return statuses
}

// publicText is what a caller may read of err.
func publicText(err error) string {
	if e, ok := errors.AsType[*functions.Error](err); ok {
		return e.Detail
	}
	return "the newest deployment failed"
}
