package schedule

import (
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
)

// Cores is how many runs of one thread fill the processor that this process may use:
// what its affinity and its control groups leave it, rounded down, and at least 1.
//
// Go's own count rounds up, and is never less than 2 where a control group bounds it
// (runtime.GOMAXPROCS): good for a program of goroutines, but two runs on one core
// take turns in being throttled.
func Cores() int {
	return cores(os.DirFS("/"), min(runtime.NumCPU(), runtime.GOMAXPROCS(0)))
}

func cores(root fs.FS, most int) int {
	if bound, is := quota(root); is && bound < float64(most) {
		return max(1, int(bound))
	}
	return max(1, most)
}

// quota is the least bound that a control group of this process, or one above it,
// sets: cpu.max in version 2 (Linux, admin-guide/cgroup-v2), cpu.cfs_quota_us in
// version 1 (scheduler/sched-bwc). They are looked for where they are mounted by
// convention.
func quota(root fs.FS) (least float64, found bool) {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, false // not Linux
	}
	for line := range strings.Lines(string(text)) {
		// hierarchy:controllers:/path, and of version 2 no controllers.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mounts, read := []string{"sys/fs/cgroup", "sys/fs/cgroup/unified"}, quotaV2
		if parts[1] != "" {
			mounts, read = []string{"sys/fs/cgroup/" + parts[1], "sys/fs/cgroup/cpu"}, quotaV1
			if !strings.Contains(","+parts[1]+",", ",cpu,") {
				continue
			}
		}
		for _, mount := range mounts {
			for folder := path.Join(mount, parts[2]); ; folder = path.Dir(folder) {
				if bound, is := read(root, folder); is && (!found || bound < least) {
					least, found = bound, true
				}
				if len(folder) <= len(mount) {
					break
				}
			}
		}
	}
	return least, found
}

func quotaV2(root fs.FS, folder string) (float64, bool) {
	text, err := fs.ReadFile(root, path.Join(folder, "cpu.max"))
	if err != nil {
		return 0, false
	}
	most, period, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	return ratio(most, period) // "max" is no number: no bound
}

func quotaV1(root fs.FS, folder string) (float64, bool) {
	most, err := fs.ReadFile(root, path.Join(folder, "cpu.cfs_quota_us"))
	if err != nil {
		return 0, false
	}
	period, err := fs.ReadFile(root, path.Join(folder, "cpu.cfs_period_us"))
	if err != nil {
		return 0, false
	}
	return ratio(strings.TrimSpace(string(most)), strings.TrimSpace(string(period))) // -1: no bound
}

func ratio(most, period string) (float64, bool) {
	m, err := strconv.ParseFloat(most, 64)
	p, perr := strconv.ParseFloat(period, 64)
	return m / p, err == nil && perr == nil && m > 0 && p > 0
}
