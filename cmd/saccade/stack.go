package main

import (
	"context"
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

	"github.com/seed45885407/saccade/config"
	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/functions/catalog"
	"github.com/seed45885407/saccade/gateway"
	"github.com/seed45885407/saccade/gateway/coldstart"
	"github.com/seed45885407/saccade/gateway/fetch"
	"github.com/seed45885407/saccade/gateway/invoke"
	"github.com/seed45885407/saccade/gateway/routing"
	"github.com/seed45885407/saccade/knative/local"
)

// stack is a gateway with the local platform behind it.
type stack struct {
	cfg      config.Saccade
	gateway  *gateway.Gateway
	platform *local.Platform
	room     *coldstart.Room
	rooms    gateway.Rooms
	deployer *deployer
	draining atomic.Bool
	log      *slog.Logger
}

// newStack builds leaf to root. change may adapt every function before it is
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
	fetcher, err := fetch.New(fetch.Options{MaxBytes: cfg.MaxPictureBytes, Allow: cfg.FetchAllow, Deny: cfg.FetchDeny})
	if err != nil {
		return nil, err
	}
	s := &stack{cfg: cfg, log: log}
	routes := &routing.Table{}
	s.platform, err = local.New(routes, local.Options{
		Runtime: program, Cache: cfg.Cache, MaxInstances: cfg.MaxInstances, Log: log,
		Started: func(function string, start functions.Start) { s.gateway.ColdStarted(function, start) },
	})
	if err != nil {
		return nil, err
	}
	s.room = coldstart.New(s.platform, coldstart.Options{MaxWaiting: cfg.MaxWaiting, MaxBytes: cfg.MaxWaitingBytes})
	s.rooms = gateway.Rooms{Routes: routes, Fetch: fetcher, Waiting: s.room, Invoke: invoke.New()}
	s.gateway = gateway.New(s.rooms, s.platform, gateway.Options{
		Log: log, MaxBytes: cfg.MaxPictureBytes, Ready: func() bool { return !s.draining.Load() },
	})
	s.deployer = &deployer{
		catalog: catalog.New(functions.Shipped, cfg.Functions...), platform: s.platform,
		models: models, change: change, log: log,
	}
	return s, nil
}

// serve answers on listener until ctx ends, then stops in order and returns when
// everything is gone. watch says whether changed function folders are noticed.
func (s *stack) serve(ctx context.Context, listener net.Listener, watch bool) error {
	platformCtx, stopPlatform := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPlatform()
	s.platform.Start(platformCtx, s.room)

	var group sync.WaitGroup
	var platformErr error
	group.Go(func() { platformErr = s.platform.Run(platformCtx, s.room) })
	s.deployer.sync(ctx)
	if watch {
		group.Go(func() { s.deployer.watch(ctx) })
	}
	server := newServer(s.gateway.Handler(), s.log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	// 1. Readiness fails, so that nobody sends more.
	s.draining.Store(true)
	// 2. Requests that are in are answered.
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Drain)
	defer cancel()
	err = errors.Join(err, server.Shutdown(drainCtx))
	// 3. Instances leave, downloads stop.
	stopPlatform()
	group.Wait()
	// 4. Connections close.
	s.rooms.Invoke.Close()
	s.rooms.Fetch.Close()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, platformErr)
}

// newServer speaks HTTP/1.1 and HTTP/2 without TLS (h2c).
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
