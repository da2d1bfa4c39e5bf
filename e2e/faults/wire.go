package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// wire is a TCP connection's way through toxiproxy.
type wire struct{ proxy *toxiproxy.Proxy }

// newWire leads to the address; the wire's own is address().
func newWire(name, to string) (*wire, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	w := &wire{toxiproxy.NewProxy(server, name, "127.0.0.1:0", to)}
	if err := w.proxy.Start(); err != nil {
		return nil, fmt.Errorf("opening the wire to %s: %w", name, err)
	}
	return w, nil
}

func (w *wire) address() string { return w.proxy.Listen }

// toxic is one of toxiproxy's, on both directions where stream is "".
type toxic struct {
	kind       string
	stream     string
	attributes map[string]int
}

func (t toxic) String() string { return t.kind }

// poison puts the toxics on the wire.
func (w *wire) poison(toxics ...toxic) error {
	for _, t := range toxics {
		streams := []string{t.stream}
		if t.stream == "" {
			streams = []string{"upstream", "downstream"}
		}
		for _, stream := range streams {
			text, err := json.Marshal(map[string]any{"type": t.kind, "stream": stream, "attributes": t.attributes})
			if err != nil {
				return err
			}
			if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
				return fmt.Errorf("putting %s on the wire: %w", t.kind, err)
			}
		}
	}
	return nil
}

// heal takes all toxics away.
func (w *wire) heal(ctx context.Context) { w.proxy.Toxics.ResetToxics(ctx) }

// cut ends every connection and takes no more until mend.
func (w *wire) cut() { w.proxy.Stop() }

func (w *wire) mend() error { return w.proxy.Start() }
