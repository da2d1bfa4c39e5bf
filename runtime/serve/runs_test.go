package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed45885407/saccade/functions"
	"github.com/seed45885407/saccade/runtime/device"
)

func TestWhatTheModelRunsOnIsTold(t *testing.T) {
	s := New(Options{})
	passed := []functions.PassedProvider{{Provider: "tensorrt", Reason: "is not in this build of ONNX Runtime"}}
	s.start.open(Function{
		Name: "eye", Detector: &fake{}, Parallel: 1, Batch: 3, Providers: []string{"cuda", "cpu"}, Passed: passed,
		Runs:   func() []uint64 { return []uint64{0, 4, 0, 2} },
		Device: device.GPU{UUID: "GPU-1", Name: "NVIDIA L4", Driver: "550.1"},
	})
	close(s.start.ready)
	if got := cap(s.start.runs); got != 6 {
		t.Errorf("%d pictures at a time, want a batch that runs and one that is gathered", got)
	}

	var started functions.Started
	if err := json.Unmarshal(get(s, "/v1/start").Body.Bytes(), &started); err != nil {
		t.Fatal(err)
	}
	if len(started.Providers) != 2 || len(started.Passed) != 1 || started.Passed[0] != passed[0] {
		t.Errorf("the start's ledger says %+v", started)
	}

	m := newRunMeters(s)
	m.smi = filepath.Join(t.TempDir(), "nvidia-smi")
	if err := os.WriteFile(m.smi, []byte("#!/bin/sh\necho 1, 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	shown := func() string {
		w := httptest.NewRecorder()
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		var lines []string
		for line := range strings.Lines(w.Body.String()) {
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		return strings.Join(lines, "")
	}
	const want = `saccade_runtime_gpu_info{driver="550.1",name="NVIDIA L4",uuid="GPU-1"} 1
saccade_runtime_gpu_memory_bytes{state="total"} 4.194304e+06
saccade_runtime_gpu_memory_bytes{state="used"} 1.048576e+06
saccade_runtime_provider_passed{provider="tensorrt",reason="is not in this build of ONNX Runtime"} 1
saccade_runtime_runs_total{pictures="1"} 4
saccade_runtime_runs_total{pictures="2"} 0
saccade_runtime_runs_total{pictures="3"} 2
`
	if diff := cmp.Diff(want, shown()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	m.smi = filepath.Join(t.TempDir(), "absent")
	if got := shown(); strings.Contains(got, "gpu_memory") || !strings.Contains(got, "gpu_info") {
		t.Errorf("where nobody tells how much memory is used:\n%s", got)
	}
}
