package local

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// The kernel counts a process's CPU time in hundredths of a second, whatever its own
// clock (USER_HZ, proc(5)).
const clockTick = 10 * time.Millisecond

// cpuTime is how much CPU a process has used, all its threads together.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name, the second field, may hold anything; after it come the state and ten
	// numbers, then the user's and the system's time.
	_, after, _ := bytes.Cut(stat, []byte(") "))
	fields := bytes.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d has a stat of %d fields", pid, len(fields))
	}
	var ticks time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("process %d: %w", pid, err)
		}
		ticks += time.Duration(n)
	}
	return ticks * clockTick, nil
}
