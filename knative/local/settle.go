package local

import (
	"syscall"
	"time"
)

// Bounds of waiting for an instance's first idle moment.
const (
	settlePoll = 50 * time.Millisecond
	// settleQuiet is how long it must have used no CPU. Long enough for the graph that
	// it keeps to be forced to the disk meanwhile; one that is interrupted even so is
	// no danger, it gets its name only when it is whole.
	settleQuiet = 500 * time.Millisecond
	settleMost  = 10 * time.Second
)

// settle returns when the process has used no CPU for a while, when waiting longer is
// no use, or when it is gone.
func (p *runtimeProcess) settle(gone <-chan struct{}) {
	ticker := time.NewTicker(settlePoll)
	defer ticker.Stop()
	began := time.Now()
	quietSince, used := began, time.Duration(-1)
	for now := began; now.Sub(began) < settleMost && now.Sub(quietSince) < settleQuiet; {
		select {
		case <-gone:
			return
		case now = <-ticker.C:
		}
		// Where the system does not tell, time alone must do: half a second.
		if cpu, err := cpuTime(p.cmd.Process.Pid); err == nil && cpu != used {
			quietSince, used = now, cpu
		}
	}
}

// freeze stops every thread of the process, and thaw lets them go on. Memory, sockets
// and what has arrived there are kept; the kernel's signals to end it are not held up.
func (p *runtimeProcess) freeze() { p.signal(syscall.SIGSTOP) }

func (p *runtimeProcess) thaw() { p.signal(syscall.SIGCONT) }
