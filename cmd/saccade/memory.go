package main

import (
	"os"
	"runtime/debug"
)

// A gateway keeps little and passes on much: pictures come and go by the hundred
// kilobytes a request, and a collector that only knows the little it keeps would run
// after every few of them. So it may let the heap grow to gcPercent of what it keeps,
// as long as that is below memoryLimit; beyond, it collects as often as it takes.
const (
	gcPercent   = 800
	memoryLimit = 512 << 20
)

// tuneMemory leaves alone what the environment says.
func tuneMemory() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(memoryLimit)
	}
}
