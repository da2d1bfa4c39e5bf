package local

import "syscall"

// childAttributes put a child into a group of its own and have the kernel kill it
// when its parent dies, however that happens. The lifeline pipe tells it the same
// where there is no such signal, and where the parent died before it was set.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
