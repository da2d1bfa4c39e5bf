// Command saccade-runtime serves one function: it is the process of an instance,
// on one machine, and the container on a cluster.
//
// It listens before all else, loads the function, and says when it is ready (see
// package serve for what it answers). On AWS Lambda it loads the function, and then
// asks for invocations instead of listening (see package lambda).
//
// With --pull it brings the function's model into the model store first, while it
// answers already that it is not ready. saccade-runtime pull does that alone and ends:
// it fills a claim, and is the init container of a pod that has one.
//
// Exit status: 0 after SIGTERM, or a pull; 2 for flags it does not understand; 3 for a
// model or a declaration that will not load the next time either; 1 for everything
// else. In a pod the reason is the container's termination message.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/onnx"
	"github.com/seed45885407/saccade/runtime/serve"
	"github.com/seed45885407/saccade/telemetry"
)

// version is set by the build.
var version = "devel"

const (
	statusFailed    = 1
	statusUsage     = 2
	statusPermanent = functions.ExitForGood
)

func main() {
	began := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the process where it stands
	err := run(ctx, began, os.Args[1:], os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "saccade-runtime:", err)
		leaveWord(lastWords, err)
	}
	os.Exit(status(err))
}

func status(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return statusUsage
	case !curable(err):
		return statusPermanent
	}
	return statusFailed
}

// told is how long a failed start waits for someone to ask how it went.
const told = time.Second

// run serves until ctx ends or the start fails.
func run(ctx context.Context, began time.Time, args []string, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "pull" {
		return runPull(ctx, args[1:], stderr)
	}
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if c.lambda.on {
		return runLambda(ctx, began, c, stderr)
	}
	listener, err := listen(c.listen)
	if err != nil {
		return err
	}
	if c.lifeline >= 0 {
		if err := holdOn(c.lifeline); err != nil {
			return err
		}
	}
	log := c.log(stderr)
	log.Info("listening", "address", listener.Addr().String())

	stopProfiles, err := serveProfiles(c.pprof)
	if err != nil {
		return err
	}
	defer stopProfiles()
	traces := openTraces(log)
	options := serve.Options{Asked: c.asked(began), Began: began, Limits: c.limits(log), Log: log, Version: version}
	if traces.On() {
		options.Tracer = traces.Tracer("github.com/seed45885407/saccade/runtime/serve")
	}
	server := serve.New(options)
	engine := &native{library: c.library}
	l := &loading{config: c, native: engine}
	if c.pull {
		// Unlike the rest of a start, it can be ended, and may take long.
		l.fetch = func() error { return c.fetch(ctx, log) }
	}
	standard, err := c.openStandard(server, l, options)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	var group sync.WaitGroup
	served := make(chan error, 3)
	group.Go(func() { served <- server.Serve(listener) })
	standard.serve(&group, served)

	started := make(chan error, 1)
	group.Go(func() {
		err := server.Start(context.WithoutCancel(ctx), l.load)
		if err == nil {
			ledger := server.Ledger()
			log.Info("ready", "start", ledger.Start.Milliseconds(), "load", ledger.Load.Milliseconds(),
				"warmup", ledger.Warmup.Milliseconds(), "family", l.recognised.Family, "size", l.recognised.InputSize,
				"classes", l.recognised.Classes, "kept_graph", l.optimised, "providers", l.session.Providers())
			l.sayPassed(log)
			if err := l.settle(); err != nil {
				log.Warn("the next start will be as slow as this one", "error", err)
			}
		}
		started <- err
	})

	for err == nil && ctx.Err() == nil {
		select {
		case err = <-served:
			err = fmt.Errorf("serving: %w", err)
		case err = <-started:
			started = nil // ready; or failed, and left for those who ask to be told
			if err != nil {
				wait(ctx, server.Told(), told)
			}
		case <-ctx.Done():
		}
	}

	// Stopping, in this order:
	log.Info("stopping")
	// 1. Readiness fails, no request comes any more, and those inside are finished.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.grace)
	defer cancel()
	drained := make(chan error, 1)
	group.Go(func() { drained <- standard.drain(drain) })
	err = errors.Join(err, server.Drain(drain), <-drained)
	// 2. Nobody is left who could use or make a session.
	group.Wait()
	// 3. The sessions close, and ONNX Runtime after them.
	err = errors.Join(err, standard.close(), l.close(), engine.close())
	// 4. The last spans are delivered, or given up: nobody waits long for them.
	deliver, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
	defer cancel()
	if err := traces.Shutdown(deliver); err != nil {
		log.Warn("spans are lost", "error", err)
	}
	return err
}

// lastSpans is how long the last spans may take to be delivered.
const lastSpans = 2 * time.Second

// openTraces makes the traces that the environment asks for. Where that cannot be
// done the function is served all the same.
func openTraces(log *slog.Logger) *telemetry.Traces {
	traces, err := telemetry.New(telemetry.Options{
		Service: "saccade-runtime", Version: version,
		Failed: func(err error) {
			if err != nil {
				log.Warn("spans cannot be delivered", "error", err)
			} else {
				log.Info("spans are delivered again")
			}
		},
	})
	if err != nil {
		log.Warn("no traces are made", "error", err)
	}
	return traces
}

// wait returns when event comes, at the latest after most.
func wait(ctx context.Context, event <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-event:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// holdOn ends the process when the other end of the pipe fd is closed: whoever
// started it is gone, and nobody is left to stop it or to read its answers.
func holdOn(fd int) error {
	// Without blocking, the wait for it costs no thread.
	if err := syscall.SetNonblock(fd, true); err != nil {
		return fmt.Errorf("lifeline %d: %w", fd, err)
	}
	pipe := os.NewFile(uintptr(fd), "lifeline")
	go func() { // it ends with the process
		_, _ = io.Copy(io.Discard, pipe)
		os.Exit(statusFailed)
	}()
	return nil
}

// tidy gives back what loading has left.
func tidy() {
	onnx.Trim()
	debug.FreeOSMemory()
}
