package replay

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is how many a second /proc counts CPU time in, on every Linux that Go runs on.
const ticks = 100

// Children is what the direct children of this process use: a local platform's instances.
func Children() Processes {
	p := Processes{CPU: map[int]time.Duration{}}
	self := strconv.Itoa(os.Getpid())
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return p
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name, in brackets, may have anything in it (proc(5)).
		at := bytes.LastIndexByte(text, ')')
		fields := strings.Fields(string(text[at+1:]))
		if at < 0 || len(fields) < 22 || fields[1] != self {
			continue
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			continue
		}
		// Fields 14 and 15 of proc(5) are utime and stime, 24 is rss; the first two are cut off.
		p.CPU[id] = time.Duration(number(fields[11])+number(fields[12])) * (time.Second / ticks)
		p.Memory += number(fields[21]) * int64(os.Getpagesize())
	}
	return p
}

// number is 0 where the kernel says something else.
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
