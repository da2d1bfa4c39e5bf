// Command hello is the workload that the cluster is tried with: it says hello, and on
// request what only a pod can find out: whether it may write somewhere, or reach
// somebody. A CloudEvent it answers with another.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), Handler: http.HandlerFunc(hello), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }() // ends with Shutdown, waited for below
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(draining), ignoreClosed(<-failed))
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// hello answers GET /, and
//
//	?sleep=MILLISECONDS  later
//	?write=FILE          after writing the file
//	?dial=HOST:PORT      after connecting there, within 2 seconds
func hello(w http.ResponseWriter, r *http.Request) {
	host, _ := os.Hostname() // empty is no harm
	w.Header().Set("X-Revision", os.Getenv("K_REVISION"))
	w.Header().Set("X-Pod", host)
	if id := r.Header.Get("Ce-Id"); id != "" {
		w.Header().Set("Ce-Id", "re-"+id)
		w.Header().Set("Ce-Specversion", r.Header.Get("Ce-Specversion"))
		w.Header().Set("Ce-Type", "re."+r.Header.Get("Ce-Type"))
		w.Header().Set("Ce-Source", "/hello")
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, io.LimitReader(r.Body, 1<<20))
		return
	}
	query := r.URL.Query()
	if milliseconds, _ := strconv.Atoi(query.Get("sleep")); milliseconds > 0 {
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	}
	if file := query.Get("write"); file != "" {
		if err := os.WriteFile(file, []byte("hello\n"), 0o644); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
	}
	if address := query.Get("dial"); address != "" {
		connection, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_ = connection.Close()
	}
	fmt.Fprintf(w, "hello %s rev=%s pod=%s uid=%d\n", os.Getenv("TARGET"), os.Getenv("K_REVISION"), host, os.Getuid())
}
