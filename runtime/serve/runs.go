package serve

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed45885407/saccade/runtime/device"
)

// runMeters are what /metrics shows of what the model runs on, and in which batches.
type runMeters struct {
	server *Server
	smi    string // the nvidia-smi to ask

	passed, runs, gpu, memory *prometheus.Desc
}

func newRunMeters(s *Server) *runMeters {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("saccade_runtime_"+name, help, labels, nil)
	}
	return &runMeters{
		server: s, smi: "nvidia-smi",
		passed: desc("provider_passed", "1 for an execution provider that the function prefers and that could not be had.",
			"provider", "reason"),
		runs: desc("runs_total", "Runs by their number of pictures, where pictures run together.", "pictures"),
		gpu:  desc("gpu_info", "1, with the GPU that the model runs on.", "uuid", "name", "driver"),
		memory: desc("gpu_memory_bytes",
			"The GPU's memory by state: used, by whatever process, or total.", "state"),
	}
}

// Describe satisfies prometheus.Collector.
func (m *runMeters) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.passed, m.runs, m.gpu, m.memory} {
		ch <- d
	}
}

// Collect satisfies prometheus.Collector.
func (m *runMeters) Collect(ch chan<- prometheus.Metric) {
	f, _, loaded := m.server.start.state()
	if !loaded {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, p := range f.Passed {
		gauge(m.passed, 1, p.Provider, p.Reason)
	}
	if f.Runs != nil {
		for pictures, n := range f.Runs() {
			if pictures > 0 {
				ch <- prometheus.MustNewConstMetric(m.runs, prometheus.CounterValue, float64(n), strconv.Itoa(pictures))
			}
		}
	}
	if f.Device == (device.GPU{}) {
		return
	}
	gauge(m.gpu, 1, f.Device.UUID, f.Device.Name, f.Device.Driver)
	// Bounded, so that a driver that hangs does not take the other metrics with it.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if used, total, err := device.Memory(ctx, m.smi, f.Device.UUID); err == nil {
		gauge(m.memory, float64(used), "used")
		gauge(m.memory, float64(total), "total")
	}
}
