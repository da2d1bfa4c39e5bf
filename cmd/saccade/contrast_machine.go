package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed45885407/saccade/contrast/replay"
)

// instanceMemory is the most memory that an instance was seen to hold. A function that
// sets no bound reserves none, and would cost nothing for it.
type instanceMemory struct {
	mu   sync.Mutex
	most int64
}

func (m *instanceMemory) saw(p replay.Processes) {
	if len(p.CPU) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = max(m.most, p.Memory/int64(len(p.CPU)))
}

// rounded is in whole 64 MiB, as somebody would set it.
func (m *instanceMemory) rounded() int64 {
	const unit = 64 << 20
	m.mu.Lock()
	defer m.mu.Unlock()
	return (m.most + unit - 1) / unit * unit
}

// machine is what this one is.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores", model, runtime.NumCPU())
}

// busyness is the machine's load average, or empty where the system does not tell: what
// else runs is in every figure.
func busyness() string {
	text, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 1 {
		return fields[0]
	}
	return ""
}

func middle(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}
