package gateway

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed45885407/saccade/gateway/coldstart"
)

// showMetrics is /metrics.
func (g *Gateway) showMetrics() http.Handler {
	show := promhttp.HandlerFor(g.registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, // exemplars are told in this form alone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.metrics.deploy(g.inventory.Functions()) // before anything is read
		show.ServeHTTP(w, r)
	})
}

// gauges reads the state of platform and waiting room when it is asked.
type gauges struct {
	inventory Inventory
	waiting   *coldstart.Room

	instances, requests, oldest, up, held, bound *prometheus.Desc
}

func newGauges(inventory Inventory, waiting *coldstart.Room) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &gauges{
		inventory: inventory, waiting: waiting,
		instances: desc("saccade_function_instances", "Instances of a function by state.", "function", "state"),
		requests: desc("saccade_function_requests",
			"Requests of a function now: in flight in an instance, or waiting for one.", "function", "state"),
		oldest: desc("saccade_function_oldest_wait_seconds",
			"How long the request that waits longest for an instance has waited.", "function"),
		up: desc("saccade_function_up",
			"0 where the function, or its newest revision, does not come up; else 1, at zero too.", "function"),
		held:  desc("saccade_held_bytes", "Bytes of pictures that are held for all requests together."),
		bound: desc("saccade_held_bytes_limit", "The most bytes of pictures that are held."),
	}
}

// Describe satisfies prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{g.instances, g.requests, g.oldest, g.up, g.held, g.bound} {
		ch <- desc
	}
}

// Collect satisfies prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, f := range g.inventory.Functions() {
		gauge(g.instances, float64(f.Ready), f.Name, "ready")
		gauge(g.instances, float64(f.Starting), f.Name, "starting")
		gauge(g.requests, float64(f.InFlight), f.Name, "in_flight")
		gauge(g.requests, float64(f.Waiting), f.Name, "waiting")
		gauge(g.oldest, g.waiting.Oldest(f.Revision).Seconds(), f.Name)
		up := 1.0
		if f.Error != "" {
			up = 0
		}
		gauge(g.up, up, f.Name)
	}
	held, most := g.waiting.Bytes()
	gauge(g.held, float64(held))
	gauge(g.bound, float64(most))
}
