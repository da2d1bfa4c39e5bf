package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/gateway"
	"github.com/seed45885407/saccade/gateway/access"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/costs"
	"github.com/seed45885407/saccade/gateway/events"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/jobs"
	"github.com/seed45885407/saccade/gateway/mirror"
	"github.com/seed45885407/saccade/gateway/recall"
	"github.com/seed45885407/saccade/gateway/routing"
	"github.com/seed45885407/saccade/knative/local"
	"github.com/seed45885407/saccade/telemetry"
)

// platform gives functions their instances.
type platform interface {
	coldstart.Platform
	gateway.Inventory
	costs.Platform
}

// stack is a gateway with a platform behind it.
type stack struct {
	cfg      config.Saccade
	gateway  *gateway.Gateway
	platform platform
	// local is the platform where it is this machine, else nil; then nothing is deployed
	// from here, and deployer is nil too.
	local *local.Platform
	// runPlatform runs the platform until ctx ends; ready says that it knows its
	// functions.
	runPlatform func(ctx context.Context) error
	ready       func() bool
	// mirrorOf is the revision that gets a share of requests a second time. May be nil.
	mirrorOf func(function string) (functions.Revision, float64)
	room     *coldstart.Room
	rooms    gateway.Rooms
	deployer *deployer
	draining atomic.Bool
	access   *access.Access
	ledger   *costs.Ledger
	later    *later
	record   *record
	traces   *telemetry.Traces
	log      *slog.Logger
}

// newStack is a stack on this machine. change may adapt every function before it is
// deployed; nil leaves them as they are.
func newStack(cfg config.Saccade, log *slog.Logger, change func(*functions.Function)) (*stack, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	program, err := findRuntime(cfg.Runtime)
	if err != nil {
		return nil, err
	}
	models, err := newModels(cfg, log)
	if err != nil {
		return nil, err
	}
	s, routes := &stack{cfg: cfg, log: log, ready: func() bool { return true }}, &routing.Table{}
	s.local, err = local.New(routes, local.Options{
		Runtime: program, Cache: cfg.Cache, MaxInstances: cfg.MaxInstances, Log: log,
		Started:     func(function string, start functions.Start) { s.gateway.ColdStarted(function, start) },
		StartFailed: func(function string) { s.gateway.StartFailed(function) },
	})
	if err != nil {
		return nil, err
	}
	s.platform = s.local
	s.runPlatform = func(ctx context.Context) error { return s.local.Run(ctx, s.room) }
	s.deployer = &deployer{
		catalog: catalog.New(functions.Shipped, cfg.Functions...), platform: s.local,
		models: models, change: change, log: log,
	}
	if err := s.build(routes); err != nil {
		return nil, err
	}
	return s, nil
}

// build makes the rooms leaf to root, over the platform that keeps routes.
func (s *stack) build(routes *routing.Table) error {
	cfg, log := s.cfg, s.log
	fetcher, err := fetch.New(fetch.Options{MaxBytes: cfg.MaxPictureBytes, Allow: cfg.FetchAllow, Deny: cfg.FetchDeny})
	if err != nil {
		return err
	}
	s.ledger = costs.New(cfg.Prices, s.platform, costs.Options{})
	s.room = coldstart.New(s.platform, coldstart.Options{
		MaxWaiting: cfg.MaxWaiting, MaxWaitingAll: cfg.MaxWaitingAll, MaxDelay: cfg.MaxDelay,
		MaxBytes: cfg.MaxWaitingBytes, MaxBytesOf: cfg.MaxWaitingBytesOf,
	})
	if s.traces, err = newTraces(log); err != nil {
		return err
	}
	callers, err := s.openAccess()
	if err != nil {
		return err
	}
	s.later, err = newLater(context.Background(), cfg, jobs.Options{
		Source: cfg.Events.Source, Guard: fetcher, ParallelOf: s.parallelOf(routes),
	}, log)
	if err != nil {
		s.access.Close()
		return err
	}
	s.rooms = gateway.Rooms{Routes: routes, Fetch: fetcher, Waiting: s.room, Invoke: invoke.New(), Jobs: s.later.jobs}
	if !cfg.Drift.Off {
		s.rooms.Drift = newDrift(cfg, s.later.jobs, log)
	}
	if s.mirrorOf != nil {
		s.rooms.Mirror = mirror.New(s.room, s.rooms.Invoke, mirror.Options{Of: s.mirrorOf})
	}
	s.rooms.Recall = recall.New(recall.Options{CacheBytes: cfg.Answers.CacheBytes, CacheAge: cfg.Answers.CacheAge})
	options := gateway.Options{
		Log: log, MaxBytes: cfg.MaxPictureBytes, Ready: func() bool { return !s.draining.Load() && s.ready() }, Version: version,
		Access: s.access, Costs: s.ledger, Metrics: []prometheus.Collector{s.ledger, callers},
		Events: gateway.EventOptions{
			Source: cfg.Events.Source, Routes: events.Routes{Table: cfg.Events.Routes, Default: cfg.Events.Default},
			BatchEvents: cfg.Events.BatchEvents, BatchBytes: cfg.Events.BatchBytes,
		},
	}
	if s.traces.On() {
		options.Tracer = s.traces.Tracer("github.com/seed45885407/saccade/gateway")
	}
	if s.record, err = openRecord(cfg.Record, log); err != nil {
		s.access.Close()
		return errors.Join(err, s.later.close())
	}
	if s.record != nil {
		options.Arrived = s.record.arrived
	}
	s.gateway = gateway.New(s.rooms, s.platform, options)
	return nil
}

// openAccess makes the door, and counts who comes to it.
func (s *stack) openAccess() (*prometheus.CounterVec, error) {
	callers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "saccade_callers_total",
		Help: "Requests by how their caller said who it is, and by the kind of refusal, empty for none.",
	}, []string{"via", "kind"})
	o := s.cfg.Access
	o.Identified = func(via access.Via, kind functions.Kind) { callers.WithLabelValues(string(via), string(kind)).Inc() }
	o.Report = func(err error) { s.log.Warn("access", "error", err) }
	var err error
	s.access, err = access.New(o, s.cfg.Listen)
	return callers, err
}

// parallelOf is how many jobs of a function are worked on at a time: as many as all
// its instances take. Requests whose callers wait share the instances with them.
func (s *stack) parallelOf(routes *routing.Table) func(string) int {
	return func(function string) int {
		revision, err := routes.Route(function)
		if err != nil {
			return jobs.DefaultParallel
		}
		scaling := revision.Function.Spec.Scaling
		return max(1, scaling.ContainerConcurrency) * max(1, scaling.MaxScale, s.cfg.MaxInstances)
	}
}

// serve answers on listener until ctx ends, then stops in order and returns when
// everything is gone. watch says whether changed function folders are noticed.
func (s *stack) serve(ctx context.Context, listener net.Listener, watch bool) error {
	platformCtx, stopPlatform := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPlatform()
	if s.local != nil { // it is deployed to before it runs
		s.local.Start(platformCtx, s.room)
	}

	var group sync.WaitGroup
	var platformErr error
	group.Go(func() { platformErr = s.runPlatform(platformCtx) })
	if s.deployer != nil {
		s.deployer.sync(ctx)
	}
	if watch && s.deployer != nil {
		group.Go(func() { s.deployer.watch(ctx) })
	}
	group.Go(func() { s.ledger.Run(platformCtx) })
	group.Go(func() { s.record.run(platformCtx) })
	var driftErr error
	group.Go(func() { driftErr = s.rooms.Drift.Run(platformCtx) })
	served := make(chan error, 2)
	stopLater := s.later.run(s.gateway, func(err error) { served <- err })
	server := newServer(s.gateway.Handler(), s.log)
	server.RegisterOnShutdown(s.rooms.Drift.Hush)
	secured, _, err := access.TLS(s.cfg.Access)
	if err == nil {
		go func() { served <- serveOn(server, listener, secured) }()
		select {
		case <-ctx.Done():
		case err = <-served:
		}
	}
	// 1. Readiness fails, so that nobody sends more; until that is known who comes is let in.
	s.draining.Store(true)
	if err == nil {
		select {
		case <-time.After(s.cfg.Linger):
		case err = <-served:
		}
	}
	// 2. Requests that are in are answered.
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Drain)
	defer cancel()
	err = errors.Join(err, server.Shutdown(drainCtx))
	// 3. Jobs that are worked on end, or stay for the next time.
	stopLater()
	s.rooms.Mirror.Close()
	// 4. Instances of this machine leave, downloads stop, statistics are kept.
	stopPlatform()
	group.Wait()
	// 5. Connections and the store close.
	s.rooms.Invoke.Close()
	s.rooms.Fetch.Close()
	s.access.Close()
	err = errors.Join(err, s.later.close(), s.record.close())
	// 6. The last spans are delivered, or given up: nobody waits long for them.
	tracesCtx, cancelTraces := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
	defer cancelTraces()
	if err := s.traces.Shutdown(tracesCtx); err != nil {
		s.log.Warn("spans are lost", "error", err)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, platformErr, driftErr)
}

// lastSpans is how long the last spans may take to be delivered.
const lastSpans = 5 * time.Second

// newTraces makes the traces that the environment asks for.
func newTraces(log *slog.Logger) (*telemetry.Traces, error) {
	traces, err := telemetry.New(telemetry.Options{
		Service: "saccade-gateway", Version: version,
		Failed: func(err error) {
			if err != nil {
				log.Warn("spans cannot be delivered", "error", err)
			} else {
				log.Info("spans are delivered again")
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return traces, nil
}

// serveOn serves with TLS where there is a certificate.
func serveOn(server *http.Server, listener net.Listener, secured *tls.Config) error {
	if secured == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = secured
	return server.ServeTLS(listener, "", "")
}

// newServer speaks HTTP/1.1 and HTTP/2, without TLS too (h2c).
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// runtimeName is the function server's program.
const runtimeName = "saccade-runtime"

// findRuntime is the function server: the one named, the one beside this program,
// or the one in PATH.
func findRuntime(named string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("the runtime %s cannot be used: %w", named, err)
		}
		return filepath.Abs(named)
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), runtimeName)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(runtimeName)
	if err != nil {
		return "", fmt.Errorf("the program %s is neither beside this one nor in PATH; build it with `./task build`, "+
			"or name it with --runtime or %s", runtimeName, config.EnvRuntime)
	}
	return filepath.Abs(path)
}
