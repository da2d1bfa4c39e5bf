//go:build !linux

package local

import "syscall"

// childAttributes put a child into a group of its own; the lifeline pipe tells it
// when its parent is gone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
