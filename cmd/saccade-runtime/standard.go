package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed45885407/saccade/runtime/oip"
	"github.com/seed45885407/saccade/runtime/serve"
)

// standard is the door of the Open Inference Protocol with where it is open. The
// zero value is none.
type standard struct {
	door       *oip.Door
	http, grpc net.Listener // nil: not there
}

// ownAddress is what --oip-http says to be answered where --listen is.
const ownAddress = "listen"

// openStandard opens the door to the function that server will have, if one is
// asked for.
func (c config) openStandard(server *serve.Server, l *loading, options serve.Options) (standard, error) {
	if !c.speaksOIP() {
		return standard{}, nil
	}
	own := oip.Model{Name: named(c.model), Server: server, Graph: l.graph}
	if d, err := c.declaration(); err == nil {
		own.Name = d.function.Metadata.Name
	} // else the start will fail of it, and say so
	o := oip.Options{Own: own, Version: version, Log: options.Log}
	if c.models != "" {
		o.Repository = &modelFolder{config: c, native: l.native, options: options}
	}
	s := standard{door: oip.New(o)}
	if c.oipHTTP == ownAddress {
		server.Mount(s.door, oip.Patterns()...)
	}
	for _, one := range []struct {
		flag, address string
		into          *net.Listener
	}{{"--oip-http", c.oipHTTP, &s.http}, {"--oip-grpc", c.oipGRPC, &s.grpc}} {
		if one.address == "" || one.address == ownAddress && one.into == &s.http {
			continue
		}
		listener, err := listen(one.address)
		if err != nil {
			if s.http != nil {
				err = errors.Join(err, s.http.Close())
			}
			return standard{}, fmt.Errorf("%s: %w", one.flag, err)
		}
		*one.into = listener
		options.Log.Info("listening", "for", one.flag, "address", listener.Addr().String(), "model", own.Name)
	}
	return s, nil
}

// serve answers in the background; ended gets how that ends.
func (s standard) serve(group *sync.WaitGroup, ended chan<- error) {
	if s.http != nil {
		group.Go(func() { ended <- s.door.Serve(s.http) })
	}
	if s.grpc != nil {
		group.Go(func() { ended <- s.door.ServeGRPC(s.grpc) })
	}
}

func (s standard) drain(ctx context.Context) error {
	if s.door == nil {
		return nil
	}
	return s.door.Drain(ctx)
}

// close unloads the models that were loaded beside the function's own.
func (s standard) close() error {
	if s.door == nil {
		return nil
	}
	return s.door.Close()
}

// graph is the network as it was loaded.
func (l *loading) graph() oip.Graph {
	g := oip.Graph{Session: l.session}
	if l.batcher != nil {
		g.Session = l.batcher
	}
	for _, p := range l.options.Inputs {
		g.Inputs = append(g.Inputs, oip.Port{Name: p.Name, Type: p.Type, Shape: p.Shape})
	}
	for _, p := range l.options.Outputs {
		g.Outputs = append(g.Outputs, oip.Port{Name: p.Name, Type: p.Type, Shape: p.Shape})
	}
	return g
}

// modelFolder is the folder of --models. It satisfies oip.Repository.
type modelFolder struct {
	config  config
	native  *native
	options serve.Options
}

// Names are those of the files NAME.onnx and of the folders; whether a folder holds
// a model is found out when it is loaded.
func (r *modelFolder) Names() ([]string, error) {
	entries, err := os.ReadDir(r.config.models)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name, isModel := strings.CutSuffix(entry.Name(), ".onnx")
		// Stat, not the entry's own type: a mounted ConfigMap is made of symbolic links.
		info, err := os.Stat(filepath.Join(r.config.models, entry.Name()))
		if err == nil && oip.ValidName(name) && (info.IsDir() || isModel && info.Mode().IsRegular()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Open loads a model as the program's own is loaded.
func (r *modelFolder) Open(ctx context.Context, name string) (oip.Model, func() error, error) {
	c := r.config
	c.function, c.modelSum, c.name = "", "", name
	c.model = filepath.Join(c.models, name)
	if _, err := os.Stat(c.model); err != nil {
		c.model += ".onnx"
	}
	l := &loading{config: c, native: r.native}
	options := r.options
	options.Asked, options.Began = 0, time.Now()
	server := serve.New(options)
	if err := server.Start(ctx, l.load); err != nil {
		return oip.Model{}, nil, errors.Join(err, l.close())
	}
	if err := l.settle(); err != nil {
		options.Log.Warn("the next start will be as slow as this one", "model", name, "error", err)
	}
	return oip.Model{Name: name, Server: server, Graph: l.graph}, l.close, nil
}
