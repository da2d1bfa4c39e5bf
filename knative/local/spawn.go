package local

import (
	"os/exec"
	"runtime"
	"sync"
)

// spawner starts every child from one operating-system thread that lives as long
// as the platform: the kernel's parent-death signal is tied to the thread that
// forked, not to the process, and Go ends threads as it likes.
type spawner struct {
	requests chan spawnRequest
	done     sync.WaitGroup
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	s.done.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for r := range s.requests {
			r.result <- r.cmd.Start()
		}
	})
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd, make(chan error, 1)}
	s.requests <- r
	return <-r.result
}

// close ends the thread. Every child must have ended before.
func (s *spawner) close() {
	close(s.requests)
	s.done.Wait()
}
