package main

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"
)

// serveProfiles serves Go's profiles at /debug/pprof on a listener of their own,
// so that who may send pictures may not read the process's memory. Without an
// address there are none. stop closes it.
func serveProfiles(address string) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := listen(address)
	if err != nil {
		return nil, fmt.Errorf("--pprof: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(listener) }) // it ends when the server is closed
	return func() {
		_ = server.Close()
		group.Wait()
	}, nil
}
