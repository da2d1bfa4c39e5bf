//go:build linux

package replay

import (
	"os/exec"
	"testing"
	"time"
)

func TestChildrenAreSeen(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Skip(err)
	}
	seen := Children()
	_, there := seen.CPU[child.Process.Pid]
	if !there || seen.Memory <= 0 {
		t.Errorf("%+v does not have %d", seen, child.Process.Pid)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if _, there := Children().CPU[child.Process.Pid]; there {
		t.Error("it is seen when it has gone")
	}
}

func TestCoresAreWhatProcessesUsedSinceTheLastLook(t *testing.T) {
	before := Processes{CPU: map[int]time.Duration{1: time.Second, 2: 9 * time.Second}}
	now := Processes{CPU: map[int]time.Duration{1: 2 * time.Second, 3: 500 * time.Millisecond}} // 2 has gone, 3 is new
	if got := now.since(before, time.Second); got != 1.5 {
		t.Errorf("%v cores, want 1.5", got)
	}
	if got := now.since(before, 0); got != 0 {
		t.Errorf("%v cores in no time", got)
	}
}
