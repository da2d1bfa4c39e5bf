// Command bare is what the gateway is measured against, and what it asks meanwhile:
// a function that answers at once, and the least reverse proxy to it.
//
// It receives pictures as a function server does (saccade-runtime's flags), reads
// each whole, and hands on one canned answer. With --proxy it receives requests
// and passes them on, as net/http/httputil does. It looks at no picture.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed45885407/saccade/functions"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bare", flag.ContinueOnError)
	address := flags.String("listen", "127.0.0.1:0", "`address`: fd:N (an inherited socket) or HOST:PORT")
	proxied := flags.String("proxy", "", "pass requests on to this `URL`")
	function := flags.String("function", "", "as saccade-runtime has it; one whose name has asleep in it never becomes ready")
	for _, ignored := range []string{"model", "model-sum", "cache", "requested-at", "lifeline", "grace", "log"} {
		flags.String(ignored, "", "as saccade-runtime has it; not used")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := open(*address)
	if err != nil {
		return err
	}
	handler := instant(strings.Contains(*function, "asleep"))
	if *proxied != "" {
		if handler, err = proxy(*proxied); err != nil {
			return err
		}
	}
	fmt.Println(listener.Addr()) // for whoever started this
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func open(address string) (net.Listener, error) {
	number, inherited := strings.CutPrefix(address, "fd:")
	if !inherited {
		return net.Listen("tcp", address)
	}
	fd, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	return net.FileListener(os.NewFile(uintptr(fd), "listener"))
}

// instant is a function server whose function takes no time, or never begins.
func instant(asleep bool) http.Handler {
	answer, err := json.Marshal(functions.Answer{
		Picture: functions.Picture{Width: 640, Height: 480, Format: "jpeg"},
		Detections: []functions.Detection{
			{Class: "person", Score: 0.9, Box: functions.Box{X1: 10, Y1: 20, X2: 110, Y2: 220}},
			{Class: "bus", ClassID: 5, Score: 0.8, Box: functions.Box{X1: 200, Y1: 100, X2: 500, Y2: 400}},
		},
		ModelSum: strings.Repeat("0", 64),
	})
	mux := http.NewServeMux()
	serve := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if asleep {
				<-r.Context().Done()
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}
	}
	mux.HandleFunc("/", serve(answer))
	mux.HandleFunc("/v1/start", serve([]byte("{}")))
	if err != nil {
		panic(err) // plain structs marshal
	}
	return mux
}

func proxy(to string) (http.Handler, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}, nil
}
