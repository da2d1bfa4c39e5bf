// Package oip is the standard door: the Open Inference Protocol, version 2, over
// HTTP and gRPC, so that clients and platforms that speak it need nothing of ours.
//
// It receives inferences by two names for each [Model]: NAME takes an encoded
// picture and gives detections, NAME.raw takes and gives the tensors of the network
// itself. It hands both to the model's serve.Server, where they take the same places
// as pictures that come by POST /v1/detect, and hands back tensors as JSON, as
// protobuf or as bytes, as the caller asks.
//
// It refuses, in the protocol's own form, tensors of another name, type, shape or
// number of values than the model takes, messages that are too large or nested too
// deep, and the extensions it does not have: classification, sequences and shared
// memory.
//
// Sources: the protocol as github.com/kserve/open-inference-protocol specifies it;
// the extensions for binary tensors and the model repository as
// github.com/triton-inference-server/server does (docs/protocol).
package oip

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// Options say what is behind a Door. Zero fields but Own mean the defaults.
type Options struct {
	// Own is the model that is there from the first moment to the last.
	Own Model
	// Repository has models that can be loaded beside it. Default: none, and the
	// repository's extension is not spoken.
	Repository Repository
	// MaxBytes is the most bytes of one message. Default 64 MiB, and never more than
	// 2 GiB.
	MaxBytes int64
	// Upload is how long a request's body may take. Default one minute.
	Upload time.Duration
	// Version is the server's, for its metadata. Default: unknown.
	Version string
	// Log gets faults of ours, and nothing else. Default: none.
	Log *slog.Logger
}

const (
	defaultMaxBytes = 64 << 20
	mostMaxBytes    = 2<<30 - 1
	defaultUpload   = time.Minute
)

func (o Options) withDefaults() Options {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	o.MaxBytes = min(o.MaxBytes, mostMaxBytes)
	if o.Upload <= 0 {
		o.Upload = defaultUpload
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Door answers the protocol. It is an http.Handler for REST, and for gRPC where the
// connection is HTTP/2.
type Door struct {
	options  Options
	models   *table
	rest     *http.ServeMux
	places   places
	http     http.Server
	end      context.CancelCauseFunc // of every request of http
	grpc     *grpc.Server            // on listeners of its own
	within   *grpc.Server            // within HTTP/2 connections of others
	draining chan struct{}
	drain    sync.Once
}

// New makes a door. Close it when it has been drained.
func New(o Options) *Door {
	o = o.withDefaults()
	d := &Door{
		options: o, models: newTable(o.Own, o.Repository),
		places: make(places, mostUnread), draining: make(chan struct{}),
	}
	d.rest = d.routes()
	d.grpc, d.within = d.newGRPC(), d.newGRPC()
	base, end := context.WithCancelCause(context.Background())
	d.end = end
	d.http = http.Server{
		Handler:           d,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		Protocols:         new(http.Protocols),
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug), // strangers' broken connections
	}
	d.http.Protocols.SetHTTP1(true)
	d.http.Protocols.SetUnencryptedHTTP2(true)
	return d
}

// Serve answers on the listener, REST and gRPC both, until [Door.Drain].
func (d *Door) Serve(listener net.Listener) error {
	if err := d.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeGRPC answers gRPC alone on the listener until [Door.Drain].
func (d *Door) ServeGRPC(listener net.Listener) error {
	if err := d.grpc.Serve(listener); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// Drain stops the door: it says that it is not ready, takes no more connections,
// and finishes the requests inside. Those that are not when ctx ends are cancelled.
func (d *Door) Drain(ctx context.Context) error {
	d.drain.Do(func() { close(d.draining) })
	var group sync.WaitGroup
	group.Go(d.grpc.GracefulStop)
	stop := context.AfterFunc(ctx, func() {
		d.end(errStops)
		d.grpc.Stop()
	})
	err := d.http.Shutdown(ctx)
	if err != nil {
		// Cancelled requests answer at once, but for a node of the graph that runs.
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if again := d.http.Shutdown(grace); again != nil {
			err = errors.Join(err, d.http.Close())
		} else {
			err = nil
		}
	}
	group.Wait()
	stop()
	d.within.Stop()
	return err
}

// Close unloads the repository's models. Nobody must be inside any more.
func (d *Door) Close() error { return d.models.close() }

// isDraining says that Drain has begun.
func (d *Door) isDraining() bool {
	select {
	case <-d.draining:
		return true
	default:
		return false
	}
}

// ready is nil where inferences would be answered now.
func (d *Door) ready() error {
	if d.isDraining() {
		return errStops
	}
	return d.options.Own.Server.Ready()
}
